"""A conversation by a client that openapi-python-client made of the document. conversation.py URL"""

import base64
import io
import sys
import uuid

from chat_client import AuthenticatedClient, Client
from chat_client.api.authentication import login, register
from chat_client.api.files import read_attachment, upload_attachment
from chat_client.api.messages import edit_message, list_messages, send_message
from chat_client.api.rooms import create_room, join_room
from chat_client.models import CreateRoom, EditMessage, Login, Message, Problem, Register, SendMessage, Session, UploadAttachmentBody
from chat_client.types import File

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

url = sys.argv[1]
run = uuid.uuid4().hex[:8]
nobody = Client(base_url=url)


def check(right, what):
    if not right:
        raise AssertionError(f"not so: {what}")


def got(answer, kind):
    """What a request answered, which is of that kind."""
    if not isinstance(answer, kind):
        raise AssertionError(f"not a {kind.__name__}: {answer}")
    return answer


def signed_up(name):
    username = f"{name}-{run}"
    body = Register(username=username, email=f"{username}@example.com", password=f"{name} has a long password")
    return got(register.sync(client=nobody, body=body), Session)


def as_(session):
    return AuthenticatedClient(base_url=url, token=session.token)


anna, ben = signed_up("anna"), signed_up("ben")
email = f"anna-{run}@example.com"
refused = got(login.sync(client=nobody, body=Login(email=email, password="a wrong password")), Problem)
check(refused.code == "unauthorized", "a wrong password is refused by a problem with a code")
session = got(login.sync(client=nobody, body=Login(email=email, password="anna has a long password")), Session)
check(session.user.id == anna.user.id, "the login is that of who registered")
me, other = as_(session), as_(ben)

room = create_room.sync(client=me, body=CreateRoom(name=f"typed {run}"))
join_room.sync(room_id=room.id, client=other)

# The key as text: of a UUID the client makes no header.
key = str(uuid.uuid4())
hello = SendMessage(room_id=room.id, content="helo")
first = got(send_message.sync(client=me, body=hello, idempotency_key=key), Message)
again = send_message.sync_detailed(client=me, body=hello, idempotency_key=key)
check(got(again.parsed, Message).id == first.id, "a message that is sent twice is there once")
check(again.headers["idempotent-replayed"] == "true", "and the second answer says so")
edited = got(edit_message.sync(message_id=first.id, client=me, body=EditMessage(content="hello")), Message)
check(edited.content == "hello", "the text is corrected")
late = got(edit_message.sync(message_id=first.id, client=other, body=EditMessage(content="hijacked")), Problem)
check(late.status == 403 and late.code == "forbidden", "nobody edits for others")

picture = File(payload=io.BytesIO(base64.b64decode(PNG)), file_name="point.png", mime_type="image/png")
file = upload_attachment.sync(client=me, body=UploadAttachmentBody(file=picture))
check(file.type_ == "image/png" and file.name == "point.png", "the file is what it is")
got(send_message.sync(client=me, body=SendMessage(room_id=room.id, content="a point", attachments=[file.id])), Message)

page = list_messages.sync(client=other, room_id=room.id, limit=10)
check([message.content for message in page.messages] == ["a point", "hello"], "the other one reads both, newest first")
check(page.messages[0].attachments[0].id == file.id, "with the file")
check(page.next_cursor is None, "and there is no more")
read = got(read_attachment.sync(attachment_id=file.id, client=other), File)
check(read.payload.read().startswith(b"\x89PNG"), "which the other one may read")
print("openapi-python-client: a conversation was held")
