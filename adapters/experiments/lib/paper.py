"""What arXiv 2010.11918 reports: RoBERTa-base, 12 layers, GLUE dev sets, learning rate 1e-4, batch
32, 15 to 30 epochs with the best dev epoch kept. Scores are read off its plots, to 0.7 points; the
first is that at n = 0."""

SETTING = ("The paper: RoBERTa-base (12 layers of 768), GLUE's own splits, learning rate 1e-4, "
           "batch 32, 15 to 30 epochs with the best dev epoch kept, several seeds. Numbers of "
           "its Figures are read off the plots (within 0.7 points).")
SPEED_SETTING = ("The paper's speeds: BERT-base on V100 and Titan X GPUs, PyTorch 1.5, padded "
                 "batches.")

FIGURE2 = {
    "STS-B": {
        "standard": [90.2, 89.8, 88.3, 87.2, 86.4, 85.2, 81.1, 71.7, 53.8, 40.7, 26.7, 12.8],
        "robust": [89.3, 89, 89.3, 88.8, 87.9, 87.5, 86.5, 85.8, 83.6, 80.9, 77.6, 30],
        "specialized": [90.3, 90.4, 90.3, 89.6, 89.2, 88.4, 87.8, 87.1, 86.7, 86.7, 86.7, 86.4]},
    "CoLA": {
        "standard": [62.5, 57.9, 54.6, 53.1, 51.0, 51.4, 50.6, 48.4, 39.7, 24.7, 10.8, 0.1],
        "robust": [59.0, 56.5, 54.6, 52.2, 52.5, 51, 51.2, 49.6, 51.0, 48.6, 42.1, 1],
        "specialized": [62.9, 60, 57.8, 55.7, 53.6, 53.9, 53.3, 53.0, 52.5, 52.4, 50.8, 49]},
    "QNLI": {
        "standard": [93.0, 92.0, 90.8, 89.3, 85.0, 76.9, 68.3, 56.4, 51.0, 50.6, 50.6, 50.6],
        "robust": [92.5, 92.6, 92.2, 91.6, 91.2, 90.7, 89.8, 89.3, 88.2, 86.6, 82.7, 66.5],
        "specialized": [93, 93.0, 92.8, 92.2, 91.8, 91.4, 90.5, 90.5, 89.6, 88.3, 85.2, 73.0]},
}
# Mean over its 8 tasks at n = 5, of the standard adapter at n = 0.
RETENTION_AT_5 = {"specialized": 0.971, "robust": 0.954}
ROBUST_STEP_SPEEDUP = 1.26

# Sequence length / batch size -> speed against full fine-tuning. Second-hand.
TABLE1 = {
    "training": {"houlsby": {"128/16": 1.48, "128/32": 1.53, "512/16": 1.36, "512/32": 1.33},
                 "pfeiffer": {"128/16": 1.57, "128/32": 1.60, "512/16": 1.41, "512/32": 1.37}},
    "inference": {"houlsby": {"128/16": 0.94, "128/32": 0.94, "512/16": 0.96, "512/32": 0.96},
                  "pfeiffer": {"128/16": 0.95, "128/32": 0.95, "512/16": 0.96, "512/32": 0.96}},
}
# Simultaneous tasks -> time saved by each shared layer.
TABLE2 = {2: 0.043, 4: 0.066, 8: 0.078, 16: 0.084}
# Adapters in the fusion -> relative speeds.
TABLE3 = {
    2: {"training_vs_full": 0.92, "inference_vs_full": 0.64, "training_vs_one": 0.57,
        "inference_vs_one": 0.68},
    8: {"training_vs_full": 0.53, "inference_vs_full": 0.38, "training_vs_one": 0.33,
        "inference_vs_one": 0.40},
    16: {"training_vs_full": 0.33, "inference_vs_full": 0.24, "training_vs_one": 0.21,
         "inference_vs_one": 0.26},
}
FIGURE4 = {
    "RTE": {"standard": [85.5, 83.3, 82.0, 80.4, 76.6, 72.9, 64.4, 57.4, 53.1, 50.3, 49.0, 49.6],
            "robust": [82.0, 81.8, 81.1, 79.6, 79.6, 79.7, 75.4, 72.5, 70.0, 67.6, 54.9, 50.8],
            "single": 76},
    "CoLA": {"standard": [64.2, 58.8, 55.5, 54.1, 53.0, 52.0, 51.1, 47.7, 45.2, 31.3, 16.6, 3.3],
             "robust": [63.2, 60.5, 56.9, 55.2, 53.2, 52.6, 52.6, 50.0, 48.7, 43.4, 34.8, 0.7],
             "single": 62.6},
}
PRUNED_TO_2_SPEEDUP = 1.68
# Cross-layer sharing: (mean, deviation) by "standard" and the shared adapter's reduction factor.
SHARING = {
    "SST-2": {"standard": (94.7, 0.3), 1.33: (94.2, 0.3), 4: (94.2, 0.1), 16: (94.1, 0.4)},
    "CoLA": {"standard": (62.6, 0.9), 1.33: (60.3, 1.6), 4: (60.8, 0.4), 16: (57.2, 1.0)},
    "MRPC": {"standard": (88.4, 0.1), 1.33: (88.2, 0.7), 4: (88.5, 1.1), 16: (86.8, 0.5)},
    "RTE": {"standard": (75.9, 2.2), 1.33: (69.4, 0.5), 4: (71.5, 2.7), 16: (71.5, 1.0)},
    "STS-B": {"standard": (90.3, 0.1), 1.33: (89.5, 0.1), 4: (89.7, 0.3), 16: (89.0, 0.7)},
}
SHARING_PARAMETERS = {"standard": 884e3, 1.33: 884e3, 4: 295e3, 16: 74e3}
