"""Many TCP streams at once: each end of a stream checks every octet that comes back.

usage: streams.py serve ADDRESS PORT
       streams.py talk ADDRESS PORT COUNT     one JSON line every 100 ms, until standard input ends

A stream sends numbered blocks, one every 20 ms, and expects the same ones back in the same order.
"""
import asyncio
import json
import struct
import sys
import time

BLOCK = 256
GAP = 0.02


def block(stream, number):
    return struct.pack("!II", stream, number) * (BLOCK // 8)


async def serve(address, port):
    async def echo(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(echo, address, port)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


class Talk:
    def __init__(self, count):
        self.count = count
        self.right = [0] * count
        self.heard = [time.monotonic()] * count
        self.broken = []
        self.longest = 0.0
        self.ending = False

    async def stream(self, which, address, port):
        try:
            reader, writer = await asyncio.open_connection(address, port)
            self.heard[which] = time.monotonic()
            sender = asyncio.create_task(self.send(which, writer))
            number = 0
            while data := await self.next(reader):
                if data != block(which, number):
                    raise ValueError("wrong octets")
                number += 1
                now = time.monotonic()
                self.longest = max(self.longest, now - self.heard[which])
                self.heard[which] = now
                self.right[which] = number
            if not self.ending or number != await sender:
                raise ValueError(f"ended after {number} blocks")
            writer.close()
        except (OSError, EOFError, ValueError) as error:
            self.broken.append(f"{which}: {error!r}")

    async def next(self, reader):
        """The next block; nothing when the other end has said all."""
        try:
            return await reader.readexactly(BLOCK)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return b""

    async def send(self, which, writer):
        number = 0
        while not self.ending:
            writer.write(block(which, number))
            await writer.drain()
            number += 1
            await asyncio.sleep(GAP)
        writer.write_eof()
        return number

    def say(self, done):
        now = time.monotonic()
        silence = max(now - heard for heard in self.heard)
        line = {
            "least": min(self.right),
            "total": sum(self.right),
            "broken": self.broken,
            "longest": round(1000 * max(self.longest, 0 if done else silence)),
            "done": done,
        }
        print(json.dumps(line), flush=True)


async def talk(address, port, count):
    state = Talk(count)
    streams = [asyncio.create_task(state.stream(i, address, port)) for i in range(count)]

    async def report():
        while True:
            await asyncio.sleep(0.1)
            state.say(False)

    reports = asyncio.create_task(report())
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    state.ending = True
    await asyncio.wait(streams, timeout=20)
    reports.cancel()
    state.broken += [f"{i}: did not end" for i, task in enumerate(streams) if not task.done()]
    state.say(True)


verb, where, port, *more = sys.argv[1:]
try:
    asyncio.run(serve(where, int(port)) if verb == "serve" else talk(where, int(port), int(more[0])))
except KeyboardInterrupt:
    pass
