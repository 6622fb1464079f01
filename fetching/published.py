"""The checkpoints that `download.py --model` knows by name, with their addresses and sizes."""

import difflib
import re
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from bert.checkpoint import RESEARCH, Config
from bert.variables import google_variables

MINILM = "all-MiniLM-L6-v2"
ADDRESS = "https://storage.googleapis.com/bert_models/{}/{}.zip"  # Google's, by day and name
MINIATURES = "2020_02_20"  # day of Google's small models, which have no bert_model.ckpt.meta
AGAIN = "_2020"  # ending that tells two checkpoints of one name apart
PACKED = 0.93  # size of Google's zip archives, as a share of the unpacked files: floats pack badly
_N_PIECES = {"uncased": 30522, "cased": 28996, "wwm_uncased": 30522, "wwm_cased": 28996,
             "multi_cased": 119547, "multilingual": 105879, "chinese": 21128}  # by family


class Published(NamedTuple):
    """A checkpoint that Google published.

    Attributes
    ----------
    name : str
        Google's name of the archive, which its folder gets. The last miniature has the name of
        the first BERT-Base; it gets _2020 behind it.
    day : str
        Part of its address.
    title : str
        Google's name in prose, or "".
    """

    name: str
    day: str
    title: str = ""

    @property
    def url(self) -> str:
        """Address of the zip archive."""
        return ADDRESS.format(self.day, self.name.replace(AGAIN, ""))

    @property
    def config(self) -> Config:
        """Sizes of the model, all of which its name tells."""
        family, n_layers, width, n_heads = _parts(self.name)
        return Config(_N_PIECES[family], width, n_layers, n_heads, 4 * width, 512, 2, "gelu")

    @property
    def n_bytes(self) -> int:
        """Size of its weights: float32 of BERT and of the two heads that it was trained with."""
        config, width = self.config, self.config.hidden_size
        heads = width * width + 3 * width + config.vocab_size + 2 * width + 2
        return 4 * (heads + sum(int(np.prod(shape))
                                for shape in google_variables(config).values()))


class Group(NamedTuple):
    """Checkpoints that serve the same purpose, and what they are worth for recommendations."""

    advice: str
    members: Tuple[Published, ...]


_SMALL = {(2, 128): "BERT-Tiny", (4, 256): "BERT-Mini", (4, 512): "BERT-Small",
          (8, 512): "BERT-Medium"}  # Google's titles of four of the miniatures

GROUPS = (
    Group("Whole word masking, English. The uncased one, wwm for short, is the research's: take it "
          "to repeat\nthe research. Google measured both above its first large ones.", (
              Published(RESEARCH, "2019_05_30", "BERT-Large, Uncased (Whole Word Masking)"),
              Published("wwm_cased_L-24_H-1024_A-16", "2019_05_30",
                        "BERT-Large, Cased (Whole Word Masking)"))),
    Group("The first BERTs, English. The base ones cost about a third of the large ones. Google "
          "advises the\nuncased ones unless capitals matter.", (
              Published("uncased_L-12_H-768_A-12", "2018_10_18", "BERT-Base, Uncased"),
              Published("cased_L-12_H-768_A-12", "2018_10_18", "BERT-Base, Cased"),
              Published("uncased_L-24_H-1024_A-16", "2018_10_18", "BERT-Large, Uncased"),
              Published("cased_L-24_H-1024_A-16", "2018_10_18", "BERT-Large, Cased"))),
    Group("For overviews in other languages: 104 languages, Chinese, and the older 102 languages, "
          "which Google\nno longer advises. For English take an English one.", (
              Published("multi_cased_L-12_H-768_A-12", "2018_11_23",
                        "BERT-Base, Multilingual Cased"),
              Published("chinese_L-12_H-768_A-12", "2018_11_03", "BERT-Base, Chinese"),
              Published("multilingual_L-12_H-768_A-12", "2018_11_03",
                        "BERT-Base, Multilingual Uncased"))),
    Group("Miniatures, English: quick and small on disk, and weaker at Google's tasks the smaller "
          "they are.\nTo try things out. For good recommendations take minilm, which costs no more "
          "than most of them.", tuple(
              Published("uncased_L-{}_H-{}_A-{}{}".format(
                  n_layers, width, width // 64, AGAIN if (n_layers, width) == (12, 768) else ""),
                  MINIATURES, _SMALL.get((n_layers, width), ""))
              for n_layers in (2, 4, 6, 8, 10, 12) for width in (128, 256, 512, 768))))


def by_alias() -> Dict[str, str]:
    """Return the names of all checkpoints that can be fetched, by each way to write them.

    A key is what `alias` makes of a name or a title.
    """
    known = {"wwm": RESEARCH, "minilm": MINILM, alias(MINILM): MINILM,
             alias("sentence-transformers/" + MINILM): MINILM}
    for each in published().values():
        known.update({alias(name): each.name for name in (each.name, each.title) if name})
    return known


def published() -> Dict[str, Published]:
    """Return Google's checkpoints by name."""
    return {each.name: each for group in GROUPS for each in group.members}


def alias(name: str) -> str:
    """Return a name without the differences in which people write it.

    >>> alias("BERT-Base, Uncased"), alias("uncased_L-2_H-128_A-2")
    ('bert-base-uncased', 'uncased-l-2-h-128-a-2')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def near_names(name: str) -> List[str]:
    """Return up to three names of checkpoints that resemble `name`, the nearest first."""
    known = by_alias()
    near = difflib.get_close_matches(alias(name), known, n=9)
    return list(dict.fromkeys(known[each] for each in near))[:3]


def listing() -> str:
    """Return the table of all checkpoints, with sizes and advice, as `download.py --list` prints.
    """
    lines = ["{:<32} {:>8} {:>6}  {}".format("name", "about", "layers", "also called"), "",
             "Trained to compare texts, which the others are not, and small: take it first. What "
             "the docs say of\nthe quality of recommendations was measured with it.",
             _row("minilm", 91e6, 6, MINILM)]
    for group in GROUPS:
        lines += ["", group.advice]
        lines += [_row(each.name, each.n_bytes, each.config.num_hidden_layers,
                       "wwm" if each.name == RESEARCH else each.title) for each in group.members]
    return "\n".join(lines)


def size(n_bytes: float) -> str:
    """Return a size in words.

    >>> size(1344904432), size(17733872)
    ('1.3 GB', '18 MB')
    """
    return "{:.1f} GB".format(n_bytes / 1e9) if n_bytes >= 1e9 else "{:.0f} MB".format(
        n_bytes / 1e6)


def _row(name: str, n_bytes: float, n_layers: int, also: str) -> str:
    return "  {:<30} {:>8} {:>6}  {}".format(name, size(n_bytes), n_layers, also).rstrip()


def _parts(name: str) -> Tuple[str, int, int, int]:
    """Return family, layers, hidden size and attention heads of Google's name of a checkpoint."""
    found = re.fullmatch(r"(\w+)_L-(\d+)_H-(\d+)_A-(\d+)", name.replace(AGAIN, ""))
    assert found, name
    return found[1], int(found[2]), int(found[3]), int(found[4])
