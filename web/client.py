"""The app for residents and families: what `make setup` built of `web/client`, served below /app.

The client is one page that finds its own way, so every address that is no file of its own answers with that page.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).parent / "client" / "dist"
_PAGE = "index.html"
_NAMED_BY_CONTENT = "assets/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def is_built(built: Path = BUILT) -> bool:
    """Whether there is an app to show."""
    return (built / _PAGE).is_file()


class Client(StaticFiles):
    """The built client.

    Parameters
    ----------
    built
        Its folder; where that is missing, every answer says how it is made.
    pictures
        Origin that a page may show pictures of besides our own: tiles of the map; "" for none.
    """

    def __init__(self, built: Path = BUILT, pictures: str = "") -> None:
        super().__init__(directory=built, check_dir=False)
        self._built = built
        self._policy = _POLICY.replace("img-src 'self'", f"img-src 'self' {pictures}") if pictures else _POLICY

    async def check_config(self) -> None:
        """Nothing is asked of the folder beforehand: each answer says that it is missing."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of the client, or its page.

        Raises
        ------
        HTTPException
            A file that is named by its content, and is not there: a page of an older client asks for it.
        """
        if not is_built(self._built):
            return PlainTextResponse("The app is not built yet: make setup\n", 503)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or path.startswith(_NAMED_BY_CONTENT):  # noqa: PLR2004  not found
                raise
            path, response = _PAGE, await super().get_response(_PAGE, scope)
        lasting = "public, max-age=31536000, immutable" if path.startswith(_NAMED_BY_CONTENT) else "no-cache"
        response.headers["Cache-Control"] = lasting
        response.headers["Content-Security-Policy"] = self._policy
        return response
