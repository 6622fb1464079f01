"""Keeps TensorFlow's and NumPy's talk away from people who asked for recommendations."""

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
    # Set at all, it keeps the tokenizers library from talking when a process forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # TensorFlow 1.15 spells NumPy types in a way that NumPy 1.18 warns about at import.
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", module="tensorflow")
    # Not by its level, which TensorFlow sets itself where it is imported by a notebook.
    logging.getLogger("tensorflow").disabled = True
