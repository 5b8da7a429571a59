"""A login for a room: everybody picks a name and a first password, and proves with the room's code to be there.

Adds codes to FirstUseAuthenticator, which stores the hashed passwords. A name that is taken needs its password and no code.
The instructor's name needs the instructor's own code at first, which no projector shows.

    c.JupyterHub.authenticator_class = RoomAuthenticator
"""

import dbm
import hmac
from pathlib import Path
from typing import Any

from firstuseauthenticator import FirstUseAuthenticator
from traitlets import Unicode

from course.errors import CourseError
from workshop.hub.settings import INSTRUCTOR
from workshop.hub.state import State

NAME = r"^[a-z][a-z0-9_-]{0,29}$"
"""Also the name of the learner's folder, and a part of addresses."""
WRONG_NAME = "A name has up to 30 letters a-z, digits, - and _, and begins with a letter. Choose another one."
WRONG_CODE = "Nobody has this name yet, and the room code is wrong. Read it off the whiteboard again, or check your name."
WRONG_INSTRUCTOR = "This is the instructor's name, and the code is not the instructor's. Choose another name."
WRONG_PASSWORD = (
    "This name is taken, and the password is not its password. If it is not yours, choose another name."
)
LONGEST_PASSWORD = 72  # bytes; bcrypt takes no more
WRONG_LENGTH = "A password has {} to 72 characters. Choose another one."


def same(given: str, code: str) -> bool:
    """Whether somebody typed this code, with or without its hyphens, in capitals or not."""

    def plain(text: str) -> bytes:
        return "".join(filter(str.isalnum, text.lower())).encode()

    return hmac.compare_digest(plain(given), plain(code))


class RoomAuthenticator(FirstUseAuthenticator):
    """FirstUseAuthenticator that asks new learners for the code of the room."""

    home = Unicode(help="the folder of the hub's state", config=True)

    def normalize_username(self, username: str) -> str:
        """Lower case, hyphens for blanks."""
        return super().normalize_username("-".join(username.split()))

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The name, if the password is right, or new and the code is. Otherwise None, and the page says why."""
        name = self.normalize_username(data["username"])
        handler.custom_login_error = await self._refusal(name, data.get("otp", ""), data["password"])
        if handler.custom_login_error:
            return None
        found: str | None = await super().authenticate(handler, {**data, "username": name})
        if found is None and not handler.custom_login_error:
            handler.custom_login_error = WRONG_PASSWORD
        return found

    async def _refusal(self, name: str, given: str, password: str) -> str:
        """Why this name cannot log in or be taken; "" if nothing but the password decides."""
        if not self.validate_username(name):
            return WRONG_NAME
        fits = len(password.encode()) <= LONGEST_PASSWORD
        if self.has_password(name):
            return "" if fits else WRONG_PASSWORD
        if not fits or len(password) < self.min_password_length:
            return WRONG_LENGTH.format(self.min_password_length)  # before the name uses up a seat
        state = State(Path(self.home))
        if name == INSTRUCTOR:
            return "" if same(given, state.secret("instructor_code")) else WRONG_INSTRUCTOR
        if not same(given, state.secret("room_code")):
            return WRONG_CODE
        try:
            state.learner(name)
        except CourseError as error:
            return str(error).splitlines()[0]
        return ""

    def has_password(self, name: str) -> bool:
        """Whether somebody took this name."""
        with dbm.open(self.dbm_path, "c", 0o600) as passwords:
            return name.encode() in passwords
