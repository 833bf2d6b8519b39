"""A client and a server of the UDP boot protocol, written from docs/src/ubp.md and docs/src/verity.md alone.

Usage: ubp_peer.py serve ADDRESS FILE [LOSS]     prints the port, then serves FILE as /fw.bin until it is killed
       ubp_peer.py fetch ADDRESS PORT NAME [DIGEST] [LOSS]     writes the file to standard output
       ubp_peer.py vectors     checks the vectors of the page, which come by standard input

LOSS is the percentage of messages that the peer throws away before it sends them.
"""
import hashlib
import hmac
import os
import random
import socket
import struct
import sys
import time

BLOCK, HASH, FAN = 1024, 32, 32
OPEN, META, BUSY, ERROR, GET, DATA, PARITY, REPORT = range(0x11, 0x19)
LENGTH = {OPEN: 288, META: 80, BUSY: 16, ERROR: 16, GET: 32, PARITY: 8 + BLOCK, REPORT: 48}


def sha(octets):
    return hashlib.sha256(octets).digest()


def padded(octets):
    return octets.ljust(BLOCK, b"\0")


def descriptor(size, root):
    return (bytes([1, 1, 10, 0, 0, 0, 0, 0]) + struct.pack("<Q", size) + root).ljust(256, b"\0")


def is_message(message):
    kind = message[0] if message else 0
    if kind == DATA:
        return 8 < len(message) <= 8 + BLOCK
    return len(message) == LENGTH.get(kind)


class Shape:
    """Where each block of a file of this size is: level and index by number."""

    def __init__(self, size):
        self.size, self.levels = size, 0
        data = -(-size // BLOCK)
        width = data
        while width > 1:
            width, self.levels = -(-width // FAN), self.levels + 1
        self.places = []
        if data:
            self.walk(self.levels, 0, data)

    def walk(self, level, index, data):
        self.places.append((level, index))
        for child in range(index * FAN, index * FAN + FAN):
            if level and child * FAN ** (level - 1) < data:
                self.walk(level - 1, child, data)

    def length(self, number):
        level, index = self.places[number]
        return BLOCK if level else min(BLOCK, self.size - index * BLOCK)


class File:
    """A file, its tree and its blocks in verified order."""

    def __init__(self, data):
        levels = [[data[at:at + BLOCK] for at in range(0, len(data), BLOCK)]]
        while len(levels[-1]) > 1:
            hashes = b"".join(sha(padded(block)) for block in levels[-1])
            levels.append([padded(hashes[at:at + BLOCK]) for at in range(0, len(hashes), BLOCK)])
        self.root = sha(padded(levels[-1][0])) if data else bytes(HASH)
        self.size = len(data)
        self.digest = sha(descriptor(self.size, self.root))
        self.blocks = [levels[level][index] for level, index in Shape(self.size).places]


class Line:
    """A UDP socket that loses some of what it sends."""

    def __init__(self, address, loss):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.loss, self.random = loss, random.Random(7)

    def send(self, message, to):
        assert is_message(message)
        if self.random.random() * 100 >= self.loss:
            self.socket.sendto(message, to)


def serve(address, path, loss=0):
    with open(path, "rb") as source:
        file = File(source.read())
    line, key = Line(address, loss), os.urandom(16)
    line.socket.bind((address, 0))
    print(line.socket.getsockname()[1], flush=True)

    def cookie(client):
        # Any function will do that needs the key: the client only sends it back.
        return hmac.new(key, repr(client[:2]).encode() + file.digest[:4], "sha256").digest()[:8]

    while True:
        message, client = line.socket.recvfrom(2048)
        if not is_message(message):
            continue
        if message[0] == OPEN:
            length, = struct.unpack_from(">H", message, 16)
            name = message[20:20 + length]
            wanted = file.digest if message[1] & 2 else b"/fw.bin"
            if name == wanted:
                meta = struct.pack(">BBH8sI8sQ32s16x", META, 0, 0, message[4:12], 0, cookie(client), file.size, file.root)
                line.send(meta, client)
            else:
                line.send(struct.pack(">BBH8sI", ERROR, 0, 1, message[4:12], 0), client)
        elif message[0] in (GET, REPORT) and message[4:12] == cookie(client) and message[12:16] == file.digest[:4]:
            if message[0] == REPORT:
                print("report", *struct.unpack_from(">QIIIIII", message, 16), flush=True)
                continue
            gap, = struct.unpack_from(">H", message, 2)
            bits, first = struct.unpack_from(">QI", message, 16)
            for number in range(first, first + 64):
                if bits >> (number - first) & 1 and number < len(file.blocks):
                    line.send(struct.pack(">BB2sI", DATA, 0, file.digest[:2], number) + file.blocks[number], client)
                    time.sleep(gap / 1e6)


class Client:
    """Fetches one file. Keeps it whole, which a board could not."""

    WINDOW, PATIENCE = 32, 10

    def __init__(self, address, port, name, digest, loss):
        self.line, self.server = Line(address, loss), (address, port)
        self.name, self.digest, self.nonce = name.encode(), digest, os.urandom(8)
        self.wrong = self.again = 0

    def receive(self, seconds):
        self.line.socket.settimeout(max(seconds, 0.001))
        try:
            message, sender = self.line.socket.recvfrom(2048)
        except socket.timeout:
            return None, None
        return (message, sender) if is_message(message) else (b"\0", sender)

    def open(self):
        flags, name = (0, self.name) if self.name else (2, self.digest)
        message = struct.pack(">BBH8sIHH", OPEN, flags, self.WINDOW, self.nonce, 0, len(name), 0) + name
        wait, end = 0.25, time.monotonic() + self.PATIENCE
        while time.monotonic() < end:
            self.line.send(message.ljust(288, b"\0"), self.server)
            answer, sender = self.receive(wait)
            wait = min(wait * 2, 2)
            if answer and answer[4:12] == self.nonce:
                if answer[0] == ERROR:
                    sys.exit("error %d" % struct.unpack_from(">H", answer, 2))
                if answer[0] == BUSY:
                    time.sleep(min(max(struct.unpack_from(">I", answer, 12)[0], 10), 60000) / 1000)
                if answer[0] == META:
                    self.server = sender
                    self.cookie = answer[16:24]
                    return struct.unpack_from(">Q", answer, 24)[0], answer[32:64]
        sys.exit("no answer")

    def get(self, numbers):
        first = numbers[0]
        bits = sum(1 << (number - first) for number in numbers)
        message = struct.pack(">BBH8s4sQII", GET, 0, 0, self.cookie, self.digest[:4], bits, first, 0)
        self.line.send(message, self.server)

    def fetch(self):
        began = time.monotonic()
        size, root = self.open()
        digest = sha(descriptor(size, root))
        if self.digest not in (None, digest):
            sys.exit("another file")
        self.digest = digest
        shape = Shape(size)
        end, used, nodes, held, out = len(shape.places), 0, {}, {}, []
        asked, heard = 0, time.monotonic()

        def expected(number):
            level, index = shape.places[number]
            node = nodes.get((level + 1, index // FAN))
            if level == shape.levels:
                return root
            return node and node[index % FAN * HASH:][:HASH]

        while used < end:
            top = min(end, used + self.WINDOW)
            if asked < top and (top - asked >= self.WINDOW // 2 or top == end):
                self.get(list(range(asked, top)))
                asked = top
            message, _ = self.receive(0.05)
            if message is None:
                if time.monotonic() - heard > self.PATIENCE:
                    sys.exit("stalled at %d" % used)
                missing = [number for number in range(used, asked) if number not in held]
                self.again += len(missing)
                self.get(missing)
                continue
            if message[0] != DATA or message[2:4] != digest[:2]:
                continue
            number, = struct.unpack_from(">I", message, 4)
            if number in held or not used <= number < top or len(message) - 8 != shape.length(number):
                continue
            held[number] = message[8:]
            while used in held:
                block = held.pop(used)
                if sha(padded(block)) != expected(used):
                    self.wrong += 1
                    break
                level, index = shape.places[used]
                if level:
                    nodes[level, index] = block
                else:
                    out.append(block)
                used, heard = used + 1, time.monotonic()
        millis = int((time.monotonic() - began) * 1000)
        report = struct.pack(">BBH8s4sQIIIIII", REPORT, 0, 0, self.cookie, digest[:4], size, 0, millis, 0, self.again, self.wrong, 7)
        self.line.send(report, self.server)
        sys.stdout.buffer.write(b"".join(out))


def vectors():
    """Each line is a message that the page's table allows, and no prefix of it is one, DATA aside."""
    for text in sys.stdin:
        kind, *words = text.split()
        parts = [word.partition("*") for word in words]
        message = b"".join(bytes.fromhex(part) * int(count or 1) for part, _, count in parts)
        assert is_message(message), text
        assert message[0] == globals()[kind], text
        assert kind == "DATA" or not any(is_message(message[:cut]) for cut in range(len(message))), text
        print(kind)


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "vectors":
        vectors()
    elif command == "serve":
        serve(words[0], words[1], int((words[2:] or [0])[0]))
    else:
        known = bytes.fromhex((words[3:] or [""])[0]) or None
        Client(words[0], int(words[1]), words[2], known, int((words[4:] or [0])[0])).fetch()
