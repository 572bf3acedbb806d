"""Who said what of a person, and whose word wins."""

from server.identity import Origin, Said
from server.model import Person
from server.people.state import begin
from server.people.traits import MAX_TRAITS, MAX_VISITORS, is_proved, joined, learn, said_at

NOW = 1_790_000_000_000


def told(traits: dict[str, object], at: int = NOW, by: str = "a", origin: Origin = Origin.claim) -> Person:
    return learn(begin(1, "main", "v", NOW), traits, at, by, dict.fromkeys(traits, origin))


def again(
    person: Person, traits: dict[str, object], at: int, by: str = "a", origin: Origin = Origin.claim
) -> Person:
    return learn(person, traits, at, by, dict.fromkeys(traits, origin))


def test_a_later_claim_replaces_an_earlier_one_and_no_proof() -> None:
    person = again(told({"plan": "Free", "email": "a@x.example"}), {"plan": "Pro"}, NOW + 1)
    assert (person.traits, person.email) == ({"plan": "Pro"}, "a@x.example")
    proved = again(person, {"plan": "Team"}, NOW + 2, origin=Origin.proof)
    assert again(proved, {"plan": "Free"}, NOW + 3) == proved
    assert again(proved, {"plan": "Free"}, NOW + 3, origin=Origin.user) == proved
    assert again(proved, {"plan": "Free"}, NOW + 3, origin=Origin.api).traits == {"plan": "Free"}


def test_a_claim_that_comes_late_does_not_undo_a_later_one() -> None:
    person = again(told({"plan": "Pro"}, NOW + 5), {"plan": "Free"}, NOW)
    assert person.traits == {"plan": "Pro"}


def test_the_same_word_again_changes_nothing() -> None:
    person = told({"plan": "Pro", "name": "Ada"})
    assert again(person, {"plan": "Pro", "name": "Ada"}, NOW + 9) == person


def test_one_and_true_are_two_values() -> None:
    assert again(told({"seats": 1}), {"seats": True}, NOW + 1).traits["seats"] is True


def test_a_browser_is_shown_only_what_was_said_there() -> None:
    person = again(told({"name": "Ada", "plan": "Pro"}, by="phone"), {"plan": "Pro"}, NOW + 1, by="desk")
    assert said_at(person, "phone") == {"name": "Ada", "plan": "Pro"}
    assert said_at(person, "desk") == {"plan": "Pro"}
    assert said_at(person, "elsewhere") == {}
    changed = again(person, {"plan": "Team"}, NOW + 2, by="desk")
    assert said_at(changed, "phone") == {"name": "Ada"}


def test_traits_and_the_browsers_that_said_them_are_bounded() -> None:
    person = told({"plan": "Pro"}, by="v0")
    for number in range(1, 20):
        person = again(person, {"plan": "Pro"}, NOW, by=f"v{number}")
    assert person.origins["plan"].visitors == tuple(f"v{number}" for number in range(20 - MAX_VISITORS, 20))
    crowded = told({f"t{number}": number for number in range(MAX_TRAITS + 5)})
    assert len(crowded.traits) == MAX_TRAITS


def test_only_the_sites_own_server_proves_a_trait() -> None:
    person = again(
        told({"email": "a@x.example"}, origin=Origin.proof), {"name": "Ada"}, NOW, origin=Origin.user
    )
    assert (is_proved(person, "email"), is_proved(person, "name"), is_proved(person, "plan")) == (
        True,
        False,
        False,
    )


def test_of_two_people_the_weightier_word_wins_whoever_is_first() -> None:
    one = told({"plan": "Free", "seats": 3}, NOW + 9)
    other = again(told({"plan": "Pro"}, origin=Origin.proof), {"city": "Porto"}, NOW)
    values, said = joined(one, other)
    assert values == {"city": "Porto", "plan": "Pro", "seats": 3}
    assert joined(other, one) == (values, said)
    assert said["plan"] == Said(Origin.proof, NOW, ("a",))
