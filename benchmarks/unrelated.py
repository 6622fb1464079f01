"""Measure how often texts are told that nothing near was found: those of no film, and real ones.

    python -m benchmarks.unrelated --index data/sample_index.h5 --queries data/sample_queries.csv
"""

import argparse
from typing import Dict, Optional, Sequence

from recommender.index import Index
from recommender.many import Query, recommend_many
from recommender.query_tables import read_query_table
from recommender.recommender import Recommender

# Recipes, letters, code, weather, gibberish, single words and notices, none of them about a film.
TEXTS = """
Beat the eggs with the sugar, fold in the flour and bake for forty minutes at 180 degrees
Simmer the onions in butter until soft, then add stock, cream and a pinch of nutmeg
Preheat the oven, line a tin with baking paper and melt the chocolate
Invoice number 20417: please transfer 1,250.00 euros within 30 days to the account below
Your order has been shipped and will arrive on Thursday between 9 and 12
Please find attached the minutes of last Tuesday's budget meeting
for (int i = 0; i < n; i++) { sum += a[i]; } return sum;
def quicksort(xs): return xs if len(xs) < 2 else quicksort([x for x in xs[1:] if x < xs[0]])
SELECT name, price FROM products WHERE stock > 0 ORDER BY price DESC
Segmentation fault (core dumped) at address 0x7ffe
Cloudy with sunny spells, highs of 14 degrees, light wind from the northwest
Rain spreading from the west this evening, heavy at times, with gusts of 80 km/h
asdf qwer zxcv uiop hjkl
xqzt blorf wug snarp
lorem ipsum dolor sit amet consectetur adipiscing elit
sourdough
photosynthesis
mitochondria
thermodynamics
asymptote
The derivative of a polynomial is found term by term
Let f be a continuous function on a compact interval; then f attains its maximum
Quarterly earnings rose 4 percent on higher interest margins
The central bank left its key rate unchanged at 2.5 percent
Shares of the company fell 3 percent after it cut its forecast
Tighten the four bolts with a 10 mm spanner and check the torque
To reset the router, hold the button at the back for ten seconds
Connect the red cable to the positive terminal of the battery
Take one tablet twice a day after meals, with plenty of water
The patient presents with a mild fever and a dry cough since Monday
Water the tomatoes every morning and prune the side shoots
Sow carrots in rows two inches apart once the soil is warm
Size M, machine washable at 40 degrees, 100 percent cotton, do not tumble dry
Two-bedroom flat with balcony, heated floors, 70 square metres, near the tram
Turn left at the roundabout and take the second exit onto the ring road
The 8:15 to Brighton is delayed by approximately 25 minutes
The enzyme catalyses the hydrolysis of the substrate at neutral pH
Sodium chloride dissolves in water and conducts electricity
The subjunctive is used after verbs of wishing in Latin
Nouns of the third declension end in -is in the genitive singular
Terms and conditions apply; offer valid while stocks last
You can unsubscribe from this newsletter at any time
Chop the parsley, squeeze half a lemon and season the fish with salt and pepper
Whisk flour and milk to a smooth batter and let it rest for half an hour
Knead the dough for ten minutes, cover it and leave it to rise overnight
Amount due: 89.90 dollars, VAT included, payable on receipt
Dear customer, your subscription renews automatically on the first of May
Agenda: 1. approval of accounts 2. election of the treasurer 3. any other business
import numpy as np; x = np.linspace(0, 1, 100)
git commit -m "fix typo" && git push origin main
const app = express(); app.listen(3000, () => console.log("ready"))
NullPointerException: cannot invoke method on null object reference
Frost in the valleys overnight, clear skies over the coast, minus two by dawn
Humidity 85 percent, pressure 1013 hectopascals and rising
jkljkl fdsa trewq bvcxz mnbv
florp grizzle zib quontarp
aaaaaaaa bbbbbbb cccccc
rhubarb
stoichiometry
cryptocurrency
linoleum
isotope
A matrix is invertible if and only if its determinant is not zero
The sum of the angles of a triangle is 180 degrees
Inflation slowed to 2.1 percent in October as energy prices fell
The board proposes a dividend of 1.40 per share
Apply two thin coats of varnish and sand lightly in between
Press and hold the power key, then select restart in safe mode
Replace the filter cartridge every six months or 10,000 litres
Apply the ointment thinly to the affected area three times daily
Blood pressure 120 over 80, pulse 72, no known allergies
Prune roses in early spring, just above an outward-facing bud
Mix one part compost with two parts sand for cuttings
Waterproof jacket with taped seams and adjustable hood, navy blue
Office space to let, 200 square metres, parking available, no agents
Follow the signs to terminal 2 and keep your boarding pass ready
Buses replace trains between the two stations until Sunday
Chlorophyll absorbs mostly blue and red light
Granite consists of quartz, feldspar and mica
The plural of mouse is mice, but that of house is houses
Adjectives agree with the noun in gender and number
All rights reserved. No part of this publication may be reproduced
Accept cookies to continue or change your preferences
Password must contain eight characters, one digit and one symbol
""".strip().split("\n")


def share_told(recommender: Recommender, texts: Sequence[str], recipe: str) -> float:
    """Return the share of texts with a note that nothing near was found, or without an answer."""
    queries = [Query(recommender.wishes(overview=text, recipe=recipe)) for text in texts]
    told = [answer.error is not None or any("nothing near" in note for note in answer.notes)
            for answer in recommend_many(recommender, queries)]
    return sum(told) / len(told)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the shares for each recipe of an index."""
    flags = argparse.ArgumentParser(prog="benchmarks.unrelated", description=__doc__,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--index", required=True)
    flags.add_argument("--queries", nargs="+", required=True,
                       help="CSVs of descriptions, with a column text")
    args = flags.parse_args(argv)
    recommender = Recommender(Index(args.index))
    sets: Dict[str, Sequence[str]] = {"about nothing": TEXTS}
    sets.update((path, descriptions(path)) for path in args.queries)
    for recipe in recommender.index.recipes:
        for name, texts in sets.items():
            print("{}, {}: {:.3f} of {} texts".format(
                recipe, name, share_told(recommender, texts, recipe), len(texts)))


def descriptions(path: str) -> Sequence[str]:
    """Return the texts of a table of descriptions."""
    return [query["overview"] for query in read_query_table(path).queries
            if isinstance(query, dict)]


if __name__ == "__main__":
    main()
