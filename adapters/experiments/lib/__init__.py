"""What the experiments share: data, trainings and their cache, tables, plots, the paper's numbers."""
