"""Who may do what: one table of roles and actions, and one of routes and actions. What stands in neither is not allowed to anybody.

A right reaches so far: to everything of the community, to one's own home and family, to what one was told of, or to what is going on
now. Every right is one in one community.
"""

from collections.abc import Mapping
from enum import StrEnum

from incidents.directory import Role


class Action(StrEnum):
    """What can be done. A value names it in answers of the API."""

    SEE_SELF = "see_self"
    """Who one is, and one's own settings."""
    CHANGE_ADDRESS = "change_address"
    """One's own number and mail address."""
    SEE_INCIDENTS = "see_incidents"
    SEE_PERSON = "see_person"
    """Position, health and evidence of an incident."""
    ACT = "act"
    """On an incident: take it on, resolve it, note something, add a photo."""
    SEE_HOMES = "see_homes"
    SET_MODE = "set_mode"
    SILENCE = "silence"
    SEE_PLAN = "see_plan"
    """A home's floor plan, and where its radars see somebody just now."""
    DRAW_PLAN = "draw_plan"
    SOS = "sos"
    DRAW_FENCES = "draw_fences"
    """Draw, change and remove the areas and lines of a home; those of the whole estate are an administrator's."""
    APPROVE_FENCES = "approve_fences"
    """Decide about what somebody drew beyond their own home."""
    MAKE_RULES = "make_rules"
    """See, make, rehearse and switch a home's own rules; those of the community are an administrator's."""
    SEE_MESSAGES = "see_messages"
    """What was sent to whom."""
    SEE_RED_LIST = "see_red_list"
    """For whom help would not come, and what is missing."""
    SEE_CONTACTS = "see_contacts"
    """Who is told of a home's incidents, by what, and whether that works."""
    ORDER_CONTACTS = "order_contacts"
    """Say which relatives are told first."""
    CHANGE_CONTACTS = "change_contacts"
    """Add a relative or neighbour of a home, and remove one."""
    TEST_ALARM = "test_alarm"
    DRILL = "drill"
    """Begin a drill, and read what one has shown."""
    CONSENT = "consent"
    """See and change what may be done with a resident's data."""
    EXPORT = "export"
    BREAK_GLASS = "break_glass"
    """See a person's data without an open incident: with a reason, noted, and shown to the family."""
    USE_DESK = "use_desk"
    """See what is wrong and what is broken in the whole community, hand it over, and leave notes to the next shift."""
    ADMINISTER = "administer"
    """See and change all that a community's file says; its reports, its audit, credentials of its devices."""
    SEE_COMMUNITIES = "see_communities"
    """What communities take up: one's own, or for who operates the platform all."""
    OPERATE = "operate"
    """Found communities."""
    USE_PHONES = "use_phones"
    """The phones of a fake carrier."""


class Reach(StrEnum):
    """How far a right goes."""

    ALL = "all"
    OWN = "own"
    """One's own home, and whom one is a relative of."""
    TOLD = "told"
    """Incidents that one was told of."""
    OPEN = "open"
    """Incidents that are going on."""


_OWN, _ALL, _TOLD, _OPEN = frozenset({Reach.OWN}), frozenset({Reach.ALL}), frozenset({Reach.TOLD}), frozenset({Reach.OPEN})

_Reaches = Mapping[Role, frozenset[Reach]]

_OF_INCIDENTS: _Reaches = {
    Role.RESIDENT: _OWN,
    Role.RELATIVE: _OWN,
    Role.NEIGHBOUR: _TOLD,
    Role.GUARD: _ALL,
    Role.DISPATCHER: _ALL,
    Role.FIELD_RESPONDER: _TOLD,
    Role.HOSPITAL: _TOLD,
    Role.OFFICER: _TOLD,
    Role.ADMINISTRATOR: _ALL,
}
"""Who sees an incident may act on it."""

_OF_HOMES: _Reaches = {
    Role.RESIDENT: _OWN,
    Role.RELATIVE: _OWN,
    Role.GUARD: _ALL,
    Role.DISPATCHER: _ALL,
    Role.ADMINISTRATOR: _ALL,
}
"""Who sees a home may arm it, and pause what is told of it."""

RIGHTS: Mapping[Action, _Reaches] = {
    Action.SEE_SELF: dict.fromkeys(Role, _ALL),
    Action.CHANGE_ADDRESS: dict.fromkeys((Role.RESIDENT, Role.RELATIVE, Role.NEIGHBOUR), _ALL),
    Action.SEE_INCIDENTS: _OF_INCIDENTS,
    Action.SEE_PERSON: {
        Role.RESIDENT: _OWN,
        Role.RELATIVE: _OWN,
        Role.GUARD: _OPEN,
        Role.DISPATCHER: _OPEN,
        Role.FIELD_RESPONDER: _OPEN,
        Role.HOSPITAL: _OPEN,
    },
    Action.ACT: _OF_INCIDENTS,
    Action.SEE_HOMES: _OF_HOMES,
    Action.SET_MODE: _OF_HOMES,
    Action.SILENCE: _OF_HOMES,
    Action.SEE_PLAN: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.GUARD: _OPEN, Role.DISPATCHER: _OPEN},
    Action.DRAW_PLAN: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN},
    Action.SOS: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN},
    Action.DRAW_FENCES: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.APPROVE_FENCES: {Role.ADMINISTRATOR: _ALL},
    Action.MAKE_RULES: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.SEE_MESSAGES: {Role.DISPATCHER: _ALL, Role.GUARD: _ALL, Role.ADMINISTRATOR: _ALL},
    Action.SEE_RED_LIST: {Role.DISPATCHER: _ALL, Role.ADMINISTRATOR: _ALL},
    Action.SEE_CONTACTS: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.ORDER_CONTACTS: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.CHANGE_CONTACTS: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.TEST_ALARM: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN, Role.ADMINISTRATOR: _ALL},
    Action.DRILL: {Role.ADMINISTRATOR: _ALL},
    Action.CONSENT: {Role.RESIDENT: _OWN, Role.RELATIVE: _OWN},
    Action.EXPORT: {Role.RESIDENT: _OWN},
    Action.BREAK_GLASS: {Role.GUARD: _ALL, Role.DISPATCHER: _ALL, Role.HOSPITAL: _TOLD, Role.FIELD_RESPONDER: _TOLD},
    Action.USE_DESK: dict.fromkeys((Role.GUARD, Role.DISPATCHER, Role.ADMINISTRATOR), _ALL),
    Action.ADMINISTER: {Role.ADMINISTRATOR: _ALL},
    Action.SEE_COMMUNITIES: {Role.ADMINISTRATOR: _ALL, Role.OPERATOR: _ALL},
    Action.OPERATE: {Role.OPERATOR: _ALL},
    Action.USE_PHONES: dict.fromkeys(Role, _ALL),
}
"""How far each role's right to each action goes; a role that is not there has none."""

WITHOUT_SIGN_IN = None
"""Of a route: anybody may."""

ROUTES: Mapping[tuple[str, str], Action | None] = {
    ("GET", "/"): Action.SEE_INCIDENTS,
    ("GET", "/incidents/{community_id}/{incident_id}"): Action.SEE_INCIDENTS,
    ("POST", "/acts"): Action.ACT,
    ("POST", "/notes"): Action.ACT,
    ("POST", "/photos"): Action.ACT,
    ("POST", "/break-glass"): Action.BREAK_GLASS,
    ("POST", "/api/incidents/{incident_id}/break-glass"): Action.BREAK_GLASS,
    ("GET", "/incidents/{community_id}/{incident_id}/photos/{number}"): Action.SEE_INCIDENTS,
    ("GET", "/homes"): Action.SEE_HOMES,
    ("GET", "/reachability"): Action.SEE_RED_LIST,
    ("POST", "/modes"): Action.SET_MODE,
    ("POST", "/silences"): Action.SILENCE,
    ("GET", "/phones"): Action.SEE_MESSAGES,
    ("POST", "/phones"): Action.USE_PHONES,
    ("GET", "/events"): Action.SEE_SELF,
    ("GET", "/api/me"): Action.SEE_SELF,
    ("GET", "/api/me/settings"): Action.SEE_SELF,
    ("PUT", "/api/me/settings"): Action.SEE_SELF,
    ("GET", "/api/me/addresses"): Action.SEE_SELF,
    ("POST", "/api/me/addresses/code"): Action.CHANGE_ADDRESS,
    ("PUT", "/api/me/addresses"): Action.CHANGE_ADDRESS,
    ("POST", "/api/push"): Action.SEE_SELF,
    ("DELETE", "/api/push"): Action.SEE_SELF,
    ("GET", "/api/consents"): Action.CONSENT,
    ("PUT", "/api/consents"): Action.CONSENT,
    ("GET", "/api/export"): Action.EXPORT,
    ("GET", "/api/events"): Action.SEE_SELF,
    ("GET", "/api/homes/{home_id}"): Action.SEE_HOMES,
    ("PUT", "/api/homes/{home_id}/mode"): Action.SET_MODE,
    ("GET", "/api/homes/{home_id}/schedule"): Action.SEE_HOMES,
    ("PUT", "/api/homes/{home_id}/schedule"): Action.SET_MODE,
    ("GET", "/api/homes/{home_id}/visitors"): Action.SEE_HOMES,
    ("PUT", "/api/homes/{home_id}/visitors"): Action.SILENCE,
    ("PUT", "/api/homes/{home_id}/away"): Action.SILENCE,
    ("POST", "/api/homes/{home_id}/sos"): Action.SOS,
    ("GET", "/api/homes/{home_id}/plan"): Action.SEE_PLAN,
    ("PUT", "/api/homes/{home_id}/plan"): Action.DRAW_PLAN,
    ("POST", "/api/homes/{home_id}/plan/pose"): Action.DRAW_PLAN,
    ("POST", "/api/homes/{home_id}/plan/line"): Action.DRAW_PLAN,
    ("POST", "/api/homes/{home_id}/plan/turn"): Action.DRAW_PLAN,
    ("GET", "/api/homes/{home_id}/targets"): Action.SEE_PLAN,
    ("GET", "/api/homes/{home_id}/contacts"): Action.SEE_CONTACTS,
    ("PUT", "/api/homes/{home_id}/contacts/order"): Action.ORDER_CONTACTS,
    ("POST", "/api/homes/{home_id}/contacts"): Action.CHANGE_CONTACTS,
    ("DELETE", "/api/homes/{home_id}/contacts/{person_id}"): Action.CHANGE_CONTACTS,
    ("GET", "/api/homes/{home_id}/test-alarm"): Action.TEST_ALARM,
    ("POST", "/api/homes/{home_id}/test-alarm"): Action.TEST_ALARM,
    ("GET", "/api/ground"): Action.SEE_HOMES,
    ("GET", "/api/fences"): Action.SEE_HOMES,
    ("POST", "/api/fences"): Action.DRAW_FENCES,
    ("POST", "/api/fences/check"): Action.DRAW_FENCES,
    ("GET", "/api/fences/file"): Action.DRAW_FENCES,
    ("POST", "/api/fences/file"): Action.DRAW_FENCES,
    ("PUT", "/api/fences/{fence_id}"): Action.DRAW_FENCES,
    ("DELETE", "/api/fences/{fence_id}"): Action.DRAW_FENCES,
    ("GET", "/api/fences/{fence_id}/history"): Action.DRAW_FENCES,
    ("POST", "/api/fences/{fence_id}/restore"): Action.DRAW_FENCES,
    ("POST", "/api/fences/{fence_id}/decision"): Action.APPROVE_FENCES,
    ("GET", "/api/rules"): Action.MAKE_RULES,
    ("POST", "/api/rules"): Action.MAKE_RULES,
    ("PUT", "/api/rules/{rule_id}"): Action.MAKE_RULES,
    ("DELETE", "/api/rules/{rule_id}"): Action.MAKE_RULES,
    ("POST", "/api/rules/{rule_id}/trial"): Action.MAKE_RULES,
    ("PUT", "/api/rules/{rule_id}/state"): Action.MAKE_RULES,
    ("GET", "/api/desk"): Action.USE_DESK,
    ("GET", "/api/desk/lacks"): Action.USE_DESK,
    ("GET", "/api/desk/shift"): Action.USE_DESK,
    ("POST", "/api/desk/notes"): Action.USE_DESK,
    ("GET", "/api/incidents"): Action.SEE_INCIDENTS,
    ("GET", "/api/incidents/{incident_id}"): Action.SEE_INCIDENTS,
    ("POST", "/api/incidents/{incident_id}/opened"): Action.SEE_INCIDENTS,
    ("POST", "/api/incidents/{incident_id}/acts"): Action.ACT,
    ("POST", "/api/incidents/{incident_id}/notes"): Action.ACT,
    ("POST", "/api/incidents/{incident_id}/photos"): Action.ACT,
    ("GET", "/api/administration/drills"): Action.DRILL,
    ("POST", "/api/administration/drills"): Action.DRILL,
    ("GET", "/api/administration/report"): Action.ADMINISTER,
    ("GET", "/api/administration/register"): Action.ADMINISTER,
    ("PUT", "/api/administration/homes/{item_id}"): Action.ADMINISTER,
    ("PUT", "/api/administration/people/{item_id}"): Action.ADMINISTER,
    ("POST", "/api/administration/people/{item_id}/left"): Action.ADMINISTER,
    ("PUT", "/api/administration/devices/{item_id}"): Action.ADMINISTER,
    ("PUT", "/api/administration/rosters/{item_id}"): Action.ADMINISTER,
    ("PUT", "/api/administration/policies/{item_id}"): Action.ADMINISTER,
    ("DELETE", "/api/administration/{section}/{item_id}"): Action.ADMINISTER,
    ("POST", "/api/administration/devices/{item_id}/credentials"): Action.ADMINISTER,
    ("DELETE", "/api/administration/devices/{item_id}/credentials"): Action.ADMINISTER,
    ("GET", "/api/administration/rosters"): Action.ADMINISTER,
    ("GET", "/api/administration/policies"): Action.ADMINISTER,
    ("GET", "/api/administration/texts"): Action.ADMINISTER,
    ("GET", "/api/administration/trial"): Action.ADMINISTER,
    ("POST", "/api/administration/trial"): Action.ADMINISTER,
    ("GET", "/api/administration/file"): Action.ADMINISTER,
    ("POST", "/api/administration/file"): Action.ADMINISTER,
    ("POST", "/api/administration/map"): Action.ADMINISTER,
    ("GET", "/api/administration/audit"): Action.ADMINISTER,
    ("GET", "/api/administration/communities"): Action.SEE_COMMUNITIES,
    ("POST", "/api/administration/communities"): Action.OPERATE,
    ("GET", "/sign-in"): WITHOUT_SIGN_IN,
    ("POST", "/sign-in"): WITHOUT_SIGN_IN,
    ("POST", "/sign-in/code"): WITHOUT_SIGN_IN,
    ("GET", "/sign-in/staff"): WITHOUT_SIGN_IN,
    ("POST", "/sign-in/staff"): WITHOUT_SIGN_IN,
    ("POST", "/sign-in/as"): WITHOUT_SIGN_IN,
    ("GET", "/sign-in/who"): WITHOUT_SIGN_IN,
    ("POST", "/sign-in/who"): WITHOUT_SIGN_IN,
    ("GET", "/welcome/{token}"): WITHOUT_SIGN_IN,
    ("POST", "/welcome/{token}"): WITHOUT_SIGN_IN,
    ("POST", "/sign-out"): WITHOUT_SIGN_IN,
}
"""What each route is. A test holds it against the routes that there are."""
