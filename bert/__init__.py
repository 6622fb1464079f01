"""All code that uses TensorFlow, laid over Google's package of the same name.

`bert-tensorflow` installs as `bert` too. Extending the path makes both importable:
`bert.modeling` and `bert.tokenization` are Google's, the reference that ours is compared with;
`bert.encoder` and its neighbours in this folder are ours.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
