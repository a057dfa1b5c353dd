"""The items of the CLAIM checklist by section: numbers as of its 2024 update, titles of ours."""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, Mapping[int, str]] = {
    "Title and abstract": {
        1: "Named as a study of artificial intelligence, with the kind of technology",
        2: "Summary of design, methods, results and conclusions",
    },
    "Introduction": {
        3: "Background, with the intended use and clinical role",
        4: "Aims, objectives and hypotheses",
    },
    "Methods: study design": {
        5: "Prospective or retrospective",
        6: "Goal of the study",
    },
    "Methods: data": {
        7: "Sources of the data",
        8: "Inclusion and exclusion criteria",
        9: "Preprocessing",
        10: "Selection of subsets",
        11: "De-identification",
        12: "Missing data",
        13: "Image acquisition protocol",
    },
    "Methods: reference standard": {
        14: "How the reference standard was obtained",
        15: "Why this reference standard",
        16: "Who annotated, and with what qualification",
        17: "Annotation of the test set",
        18: "Variability within and between raters",
    },
    "Methods: data partitions": {
        19: "How data were assigned to partitions",
        20: "Level at which partitions are disjoint",
    },
    "Methods: testing data": {
        21: "Intended sample size",
    },
    "Methods: model": {
        22: "Description of the model",
        23: "Software and frameworks",
        24: "Initialization of the parameters",
    },
    "Methods: training": {
        25: "Details of training",
        26: "How the final model was selected",
        27: "Ensembling",
    },
    "Methods: evaluation": {
        28: "Metrics",
        29: "Statistical significance and uncertainty",
        30: "Robustness and sensitivity analysis",
        31: "Explainability and interpretability",
        32: "Evaluation on internal data",
        33: "Testing on external data",
        34: "Registration as a clinical trial",
    },
    "Results: data": {
        35: "Numbers included and excluded",
        36: "Demographic and clinical characteristics of each partition",
    },
    "Results: model performance": {
        37: "Performance with its uncertainty on every partition",
        38: "Diagnostic performance with its precision",
        39: "Failure analysis",
    },
    "Discussion": {
        40: "Limitations",
        41: "Implications for practice",
    },
    "Other information": {
        42: "Full protocol or further technical details",
        43: "Availability of software, model and data",
        44: "Funding and role of the funders",
    },
}
"""The items of each section, by their numbers."""
