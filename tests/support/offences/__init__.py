"""Every way in which a client can cost too much, each as something that can be done."""

from __future__ import annotations

from tests.support.offences.holding import HOLDING
from tests.support.offences.offence import Offence
from tests.support.offences.sending import SENDING

OFFENCES: tuple[Offence, ...] = (*SENDING, *HOLDING)
