// English words that say nothing of a story, whatever they add to a score: articles, pronouns,
// prepositions, conjunctions and auxiliary verbs.

export const STOP_WORDS = new Set(`a about above after again against all almost along already also
although always am among an and another any anyone anything are around as at away back be became
because become becomes been before begins behind being between both but by came can cannot could
did do does doing done down during each either else even ever every everyone everything few for
from further gets get go goes had has have having he her here hers herself him himself his how
however i if in into is it its itself just later let like made make makes many may me might more
most much must my myself never new no nobody nor not nothing now of off on once one only onto or
other others our ours out over own put rather really s same she should since so some someone
something soon still such t take takes than that the their theirs them themselves then there these
they this those though three through to together too toward towards turns two under until up upon
us very was way we well were what when where whether which while who whom whose why will with
within without would yet you your yours`.split(/\s+/));
