"""Verbs: every form of a table written by hand."""

import pytest

from vimotion.choreography.verbs import conjugate, inflect

# base, third person, gerund, past, participle
TABLE = """
push pushes pushing pushed pushed
pat pats patting patted patted
hug hugs hugging hugged hugged
grab grabs grabbing grabbed grabbed
slap slaps slapping slapped slapped
clap claps clapping clapped clapped
tap taps tapping tapped tapped
step steps stepping stepped stepped
stop stops stopping stopped stopped
drag drags dragging dragged dragged
rub rubs rubbing rubbed rubbed
nod nods nodding nodded nodded
hit hits hitting hit hit
put puts putting put put
let lets letting let let
sit sits sitting sat sat
get gets getting got got
run runs running ran run
begin begins beginning began begun
swing swings swinging swung swung
cling clings clinging clung clung
bump bumps bumping bumped bumped
help helps helping helped helped
bow bows bowing bowed bowed
follow follows following followed followed
show shows showing showed shown
throw throws throwing threw thrown
blow blows blowing blew blown
play plays playing played played
lay lays laying laid laid
copy copies copying copied copied
try tries trying tried tried
carry carries carrying carried carried
wave waves waving waved waved
raise raises raising raised raised
shake shakes shaking shook shaken
take takes taking took taken
give gives giving gave given
make makes making made made
ride rides riding rode ridden
rise rises rising rose risen
strike strikes striking struck struck
dodge dodges dodging dodged dodged
massage massages massaging massaged massaged
embrace embraces embracing embraced embraced
imitate imitates imitating imitated imitated
flee flees fleeing fled fled
see sees seeing saw seen
be is being was been
have has having had had
do does doing did done
go goes going went gone
come comes coming came come
kiss kisses kissing kissed kissed
touch touches touching touched touched
punch punches punching punched punched
pass passes passing passed passed
catch catches catching caught caught
stretch stretches stretching stretched stretched
mix mixes mixing mixed mixed
hold holds holding held held
stand stands standing stood stood
bend bends bending bent bent
fall falls falling fell fallen
kick kicks kicking kicked kicked
point points pointing pointed pointed
walk walks walking walked walked
pull pulls pulling pulled pulled
lean leans leaning leaned leaned
offer offers offering offered offered
open opens opening opened opened
cover covers covering covered covered
listen listens listening listened listened
whisper whispers whispering whispered whispered
tie ties tying tied tied
free frees freeing freed freed
high-five high-fives high-fiving high-fived high-fived
arm-wrestle arm-wrestles arm-wrestling arm-wrestled arm-wrestled
"""


@pytest.mark.parametrize("row", TABLE.split("\n")[1:-1])
def test_every_form(row):
    verb, *forms = row.split()
    assert [inflect(verb, form) for form in ("third", "gerund", "past", "participle")] == forms
    assert inflect(verb, "base") == verb
    assert inflect(verb, "plural") == {"be": "are"}.get(verb, verb)


def test_a_phrase_changes_its_marked_verbs_only():
    phrase = "~raise {A.his} {side} hand and ~wave to {B.obj}"
    assert conjugate(phrase, "gerund") == "raising {A.his} {side} hand and waving to {B.obj}"
    assert conjugate(phrase, "third") == "raises {A.his} {side} hand and waves to {B.obj}"
    assert conjugate(phrase, "base") == phrase.replace("~", "")
