"""The C interface from Python, by ctypes alone. Usage: ctypes_client.py LIBRARY ADDRESS"""
import ctypes as c
import hashlib
import sys

lib = c.CDLL(sys.argv[1])


class DeviceId(c.Structure):
    _fields_ = [(name, c.c_uint16) for name in ("vendor", "device", "subsystem_vendor", "subsystem")]


class Version(c.Structure):
    _fields_ = [("version", c.c_uint32 * 4), ("commit", c.c_char * 21)]


def ok(code):
    assert code == 0, code


transport, session = c.c_void_p(), c.c_void_p()
ok(lib.caliptra_transport_open(sys.argv[2].encode(), c.byref(transport)))
ok(lib.caliptra_session_create_with_protocol(transport, 0, c.byref(session)))
ok(lib.caliptra_session_connect(session))
identity, version = DeviceId(), Version()
ok(lib.caliptra_cmd_get_device_id(session, c.byref(identity)))
assert (identity.vendor, identity.subsystem) == (0x1234, 0xDEF0)
ok(lib.caliptra_cmd_get_firmware_version(session, 1, c.byref(version)))
assert list(version.version) == [1, 2, 3, 0] and version.commit == b"abcdef"
data, out, size = bytes(range(256)) * 50, c.create_string_buffer(64), c.c_size_t(64)
ok(lib.caliptra_cmd_hash_one_shot(session, 2, data, c.c_size_t(len(data)), out, c.byref(size)))
assert out.raw[: size.value] == hashlib.sha512(data).digest()
size = c.c_size_t(3)
assert lib.caliptra_cmd_hash_one_shot(session, 2, data, c.c_size_t(len(data)), out, c.byref(size)) == 12 and size.value == 64

# A custom transport in Python: each command gets the payload "status 7".
CONNECT = c.CFUNCTYPE(c.c_uint32, c.c_void_p)
SEND = c.CFUNCTYPE(c.c_uint32, c.c_void_p, c.c_uint32, c.POINTER(c.c_uint8), c.c_size_t)
RECEIVE = c.CFUNCTYPE(c.c_uint32, c.c_void_p, c.POINTER(c.c_uint8), c.c_size_t, c.POINTER(c.c_size_t))


class Ops(c.Structure):
    _fields_ = [("size", c.c_uint32), ("reserved", c.c_uint32), ("connect", CONNECT), ("disconnect", CONNECT),
                ("send", SEND), ("receive", RECEIVE), ("set_timeouts", c.c_void_p), ("destroy", c.c_void_p)]


def receive(_context, buffer, capacity, length):
    payload = bytes([0, 0, 0, 0, 7, 0, 0, 0])
    length[0] = len(payload)
    if capacity < len(payload):
        return 12
    for at, octet in enumerate(payload):
        buffer[at] = octet
    return 0


yes = CONNECT(lambda _context: 0)
sent = []
ops = Ops(c.sizeof(Ops), 0, yes, yes, SEND(lambda _c, number, _p, _l: sent.append(number) or 0), RECEIVE(receive), None, None)
custom, other, status = c.c_void_p(), c.c_void_p(), c.c_uint32()
ok(lib.caliptra_transport_create_custom(c.byref(ops), None, c.byref(custom)))
ok(lib.caliptra_session_create_with_protocol(custom, 2, c.byref(other)))
ok(lib.caliptra_session_connect(other))
ok(lib.caliptra_cmd_debug_get_status(other, c.byref(status)))
assert status.value == 7 and sent == [0x7002]
for pointer, destroy in ((other, lib.caliptra_session_destroy), (custom, lib.caliptra_transport_destroy),
                         (session, lib.caliptra_session_destroy), (transport, lib.caliptra_transport_destroy)):
    ok(destroy(pointer))
print("the C interface works from Python")
