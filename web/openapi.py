"""The API's OpenAPI document, of which the client is generated.

python -m web.openapi web/client/openapi.json
"""

import json
import sys
from pathlib import Path

from store.session import Database
from web.service import create_app
from web.site import FrontDoor


def document() -> str:
    """The document, as JSON text that is the same every time. No database is opened."""
    door = FrontDoor(key=b"", send_code=lambda _to, _code: None, send_text=lambda _at, _text: None)
    app = create_app(Database("sqlite:////nowhere/anju.db"), door)
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
