"""Films of four subjects, whose topics are known."""

import numpy as np

SUBJECTS = {  # ten words each, as many as a topic is measured by
    "space": "rocket planet astronaut orbit alien galaxy moon comet spaceship meteor",
    "west": "cowboy saloon ranch horse outlaw bandit sheriff cattle desert prairie",
    "music": "guitar concert singer orchestra melody drummer piano opera chorus ballad",
    "crime": "detective murder corpse suspect alibi blackmail poison motive clue witness"}
N_FILMS = 60


def subject(at):
    return list(SUBJECTS)[at % len(SUBJECTS)]


def overview(at):
    """Eight words of the film's subject, and some of none."""
    words = np.random.default_rng(at).choice(SUBJECTS[subject(at)].split(), 8, replace=False)
    return "A {} and the {} near Rupert, with {}, {}, {}, {} or {}, {}.".format(*words)


def layers(at):
    middle = np.eye(8)[at % len(SUBJECTS)]
    noise = np.random.default_rng(at).normal(0, 0.05, 8)
    return np.tile(np.float32(middle + noise), (4, 3, 1))
