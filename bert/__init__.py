"""All code that uses TensorFlow, laid over Google's package of the same name.

`bert-tensorflow` installs as `bert` too. Extending the path makes both importable:
`bert.modeling` and `bert.tokenization` are Google's, the reference that ours is compared with;
`bert.encoder` and its neighbours in this folder are ours.
"""

import os
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

# TensorFlow reads it once, at its import. On its own, 2.15 uses oneDNN only on processors with
# AVX-512 and the like; on others extraction takes 0.96 of the processor time with it. 1.15 has no
# such choice.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
