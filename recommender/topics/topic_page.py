"""Write the topics as a page of one file that needs no network and no script of others."""

from html import escape
from typing import List, Sequence

from recommender.index import Index
from recommender.storage.files import write_text
from recommender.topics.topic_search import Found
from recommender.topics.topic_tree import Topic

_HUES = 360  # degrees of the circle of colours that the coarse topics share
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #57606a; --paper: #fbfaf7; --card: #fff;
  --line: #dfe3e8; --light: 38%; --tint: 94%; --shadow: 0 6px 24px rgba(20, 25, 35, .14); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #a3abb5; --paper: #14171b; --card: #1c2026; --line: #333a43;
    --light: 72%; --tint: 17%; --shadow: 0 6px 24px rgba(0, 0, 0, .5); } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem;
  padding: clamp(1rem, 4vw, 3rem) clamp(1rem, 4vw, 2.5rem) 4rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1, h2, h3 { font-family: Georgia, "Times New Roman", serif; line-height: 1.2; margin: 0; }
h1 { font-size: clamp(1.8rem, 5vw, 2.8rem); letter-spacing: -.01em; }
.lead { max-width: 46rem; margin: .6rem 0 2rem; color: var(--soft); }
.share { display: flex; height: 3.2rem; gap: 3px; margin-bottom: 2.5rem; padding: 0;
  list-style: none; }
.share li { flex: var(--n) 1 0; min-width: 6px; overflow: hidden; border-radius: 7px; }
.share a { display: flex; align-items: center; height: 100%; padding: 0 .6rem; overflow: hidden;
  border-radius: 7px; background: hsl(var(--hue) 55% var(--tint)); color: var(--ink);
  font-size: .88rem;
  border-bottom: 4px solid hsl(var(--hue) 55% var(--light)); text-decoration: none;
  white-space: nowrap; }
.coarse { margin-bottom: 2.75rem; padding-top: .5rem; scroll-margin-top: 1rem; }
.coarse > h2 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .75rem;
  font-size: 1.6rem;
  padding-bottom: .4rem; border-bottom: 3px solid hsl(var(--hue) 55% var(--light)); }
.n { color: var(--soft); font: .88rem system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.words { margin: .5rem 0 1rem; color: var(--soft); }
.middle { margin: 1.25rem 0 0; }
.middle > h3 { font-size: 1.1rem; display: flex; flex-wrap: wrap; gap: 0 .6rem;
  align-items: baseline; }
.fine { display: grid; gap: .75rem; margin: .6rem 0 0; padding: 0; list-style: none;
  align-items: start; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
.fine > li { position: relative; padding: .8rem 1rem; border: 1px solid var(--line);
  border-left: 4px solid hsl(var(--hue) 55% var(--light)); border-radius: 10px;
  background: var(--card);
  overflow-wrap: anywhere; }
.fine b { font: 600 1.02rem Georgia, serif; }
.fine .words { margin: .3rem 0 0; font-size: .9rem; }
.films { margin: .5rem 0 0; padding-left: 1.15rem; font-size: .9rem; }
.films li { overflow-wrap: anywhere; }
details summary { margin-top: .5rem; cursor: pointer; color: hsl(var(--hue) 55% var(--light));
  font-size: .9rem; }
.story { display: none; color: var(--soft); font-size: .84rem; }
.films li:hover .story, .films li:focus .story { display: block; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums;
  font-size: .92rem; }
.scroll { overflow-x: auto; }
th, td { padding: .35rem .9rem .35rem 0; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 500; }
a:focus-visible, summary:focus-visible, li:focus-visible { outline: 3px solid hsl(220 70% 55%);
  outline-offset: 2px; }
@media (hover: hover) { .fine > li:hover { box-shadow: var(--shadow);
  } .share a:hover { text-decoration: underline; } }
"""


def write_page(path: str, index: Index, found: Found, others: Sequence[Found]) -> None:
    """Write the topics as a page to `path`, whole or not at all.

    Parameters
    ----------
    path : str
    index : Index
        The index whose films the topics are of.
    found : Found
        The topics to show.
    others : sequence of Found
        All methods, whose measures are shown.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    coarse = found.tree.children()
    hues = [at * _HUES // max(len(coarse), 1) for at in range(len(coarse))]
    shares = "".join(
        '<li style="--n:{};--hue:{}"><a href="#topic{}" title="{}, {:,} films">{}</a></li>'.format(
            topic.n_films, hue, topic.number, escape(topic.name), topic.n_films,
            escape(topic.name)) for topic, hue in zip(coarse, hues))
    sections = "".join(_coarse(index, found, topic, hue) for topic, hue in zip(coarse, hues))
    fine = sum(topic.level == max(each.level for each in found.tree.topics)
               for topic in found.tree.topics)
    without = int((found.tree.of_films[:, 0] < 0).sum())
    write_text(path, (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>Topics of {n:,} films</title><style>{style}</style></head><body>"
        "<h1>What {n:,} films are about</h1>"
        '<p class="lead">{fine} topics in {coarse} groups, found by {method}{without}. The films '
        "named are those in the middle of a topic; point at one to read its story.</p>"
        '<nav aria-label="Groups of topics"><ul class="share">{shares}</ul></nav>'
        "<main>{sections}</main>{measures}</body></html>\n").format(
            n=len(index), style=_STYLE, fine=fine, coarse=len(coarse),
            method="non-negative factors of TF-IDF" if found.method == "nmf" else
            "clusters of embeddings", without="; {:,} films have none".format(without)
            if without else "", shares=shares, sections=sections, measures=_measures(others)))


def _coarse(index: Index, found: Found, topic: Topic, hue: int) -> str:
    inner = "".join(_middle(index, found, each) for each in found.tree.children(topic.number))
    return ('<section class="coarse" id="topic{}" style="--hue:{}"><h2>{} <span class="n">{:,} '
            'films</span></h2><p class="words">{}</p>{}</section>').format(
                topic.number, hue, escape(topic.name), topic.n_films,
                escape(" · ".join(topic.words)), inner)


def _middle(index: Index, found: Found, topic: Topic) -> str:
    items = "".join(
        '<li><b>{}</b> <span class="n">{:,} films</span><p class="words">{}</p>'
        '<details><summary>Films in its middle</summary><ul class="films">{}</ul></details></li>'
        .format(escape(fine.name), fine.n_films, escape(" · ".join(fine.words)),
                "".join(_films(index, fine)))
        for fine in found.tree.children(topic.number))
    return ('<div class="middle"><h3>{} <span class="n">{:,} films</span></h3>'
            '<ul class="fine">{}</ul></div>').format(escape(topic.name), topic.n_films, items)


def _films(index: Index, topic: Topic) -> List[str]:
    """Return the representative films as list items, each with its overview to hover over."""
    items = []
    for movie_id in topic.films:
        movie = index.movie(index.row_of_id(movie_id))
        items.append('<li tabindex="0">{}{} <span class="story">{}</span></li>'.format(
            escape(movie["title"]), " ({})".format(movie["year"]) if movie["year"] else "",
            escape(movie["overview"])))
    return items


def _measures(found: Sequence[Found]) -> str:
    rows = "".join(
        '<tr><th scope="row">{}</th><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td>'
        "<td>{:.3f}</td></tr>".format(each.method, *each.measures) for each in found)
    return ('<h2>Measured</h2><div class="scroll"><table><thead><tr><th scope="col">method</th>'
            '<th scope="col">topics</th><th scope="col">coherence</th>'
            '<th scope="col">diversity</th><th scope="col">stability</th>'
            '<th scope="col">same films</th></tr></thead><tbody>{}</tbody></table></div>').format(
                rows.replace("nan", "–"))
