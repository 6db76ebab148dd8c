"""Tables only; importing this package declares them all."""

from monitor.db import Base
from monitor.models.access import Account, Device, RecoveryCode, SignIn, Tries
from monitor.models.alert import Alert, Page, Task
from monitor.models.assessment import Assessment, CheckIn
from monitor.models.audit import Compatibility, Cursor, Event, Heartbeat, Tally, VirtualClock
from monitor.models.message import Callback, Inbound, Message, MessageColumns, PastMessage, PhoneText
from monitor.models.patient import Clinic, Episode, Note, Patient, ProtocolVersion
from monitor.models.staff import Override, Shift, Staff

__all__ = [
    "Account",
    "Alert",
    "Assessment",
    "Base",
    "Callback",
    "CheckIn",
    "Clinic",
    "Compatibility",
    "Cursor",
    "Device",
    "Episode",
    "Event",
    "Heartbeat",
    "Inbound",
    "Message",
    "MessageColumns",
    "Note",
    "Override",
    "Page",
    "PastMessage",
    "Patient",
    "PhoneText",
    "ProtocolVersion",
    "RecoveryCode",
    "Shift",
    "SignIn",
    "Staff",
    "Tally",
    "Task",
    "Tries",
    "VirtualClock",
]
