"""Silence log lines and warnings of TensorFlow, NumPy and tokenizers."""

import logging
import os
import warnings


def silence(verbose: bool = False) -> None:
    """Turn off log lines and warnings of TensorFlow, absl and NumPy; `verbose` leaves them on.

    Call it before TensorFlow is imported: its C++ part reads its log level only once.
    """
    if verbose:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    # If it is set at all, the tokenizers library does not warn when a process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # TensorFlow 1.15 spells NumPy types in a way that NumPy 1.18 warns about at import.
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module="tensorflow")
    # Not by its level, which TensorFlow sets itself when a notebook imports it.
    logging.getLogger("tensorflow").disabled = True
