"""What the experiments share: data, cached trainings, tables, plots, the paper's numbers."""
