"""websocat -H="NAME: VALUE" URL : each line of the input is a text message; each that comes is a line of the output."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main(arguments):
    headers = dict(one.removeprefix("-H=").split(": ", 1) for one in arguments if one.startswith("-H="))
    (url,) = (one for one in arguments if not one.startswith("-"))
    async with connect(url, additional_headers=headers) as socket:

        async def speak():
            while line := await asyncio.to_thread(sys.stdin.readline):
                await socket.send(line.rstrip("\n"))
            await socket.close()

        speaking = asyncio.create_task(speak())
        async for text in socket:
            print(text, flush=True)
        await speaking


asyncio.run(main(sys.argv[1:]))
