-- Wireshark's dissector for the UDP boot protocol, version 1: docs/src/ubp.md has the messages.
--
--   tshark -X lua_script:docs/examples/ubp.lua -r boot.pcap
--
-- The port is 6910; for another one: -d udp.port==7000,ubp

local ubp = Proto("ubp", "UDP Boot Protocol")

local types = { "OPEN", "META", "BUSY", "ERROR", "GET", "DATA", "PARITY", "REPORT" }
local lengths = { 288, 80, 16, 16, 32, nil, 1032, 48 }
local codes = { "no such file", "access denied", "the file cannot be read", "not served any longer" }

local f = {
    version = ProtoField.uint8("ubp.version", "Version", base.DEC, nil, 0xf0),
    type = ProtoField.uint8("ubp.type", "Type", base.DEC, types, 0x0f),
    wants_group = ProtoField.bool("ubp.open.group", "Blocks of a group are welcome", 8, nil, 0x01),
    by_digest = ProtoField.bool("ubp.open.by_digest", "The name is a digest", 8, nil, 0x02),
    window = ProtoField.uint16("ubp.window", "Window (blocks)"),
    nonce = ProtoField.uint64("ubp.nonce", "Nonce", base.HEX),
    rate = ProtoField.uint32("ubp.rate", "Rate (octets in a second)"),
    path = ProtoField.string("ubp.path", "Path"),
    digest = ProtoField.bytes("ubp.digest", "Verity digest"),
    cookie = ProtoField.uint64("ubp.cookie", "Cookie", base.HEX),
    size = ProtoField.uint64("ubp.size", "Size of the file (octets)"),
    root = ProtoField.bytes("ubp.root", "Root"),
    group4 = ProtoField.ipv4("ubp.group", "Group"),
    group6 = ProtoField.ipv6("ubp.group6", "Group"),
    port = ProtoField.uint16("ubp.group.port", "Port of the group"),
    token = ProtoField.uint64("ubp.token", "Token", base.HEX),
    retry = ProtoField.uint32("ubp.retry", "Ask again after (ms)"),
    code = ProtoField.uint16("ubp.code", "Code", base.DEC, codes),
    gap = ProtoField.uint16("ubp.gap", "Gap (us)"),
    id = ProtoField.uint32("ubp.id", "Id", base.HEX),
    short_id = ProtoField.uint16("ubp.short_id", "Id (upper half)", base.HEX),
    map = ProtoField.uint64("ubp.map", "Map", base.HEX),
    number = ProtoField.uint32("ubp.number", "Number"),
    asked = ProtoField.uint8("ubp.asked", "Blocks asked for"),
    count = ProtoField.uint8("ubp.count", "Blocks in the sum"),
    block = ProtoField.bytes("ubp.block", "Block"),
    octets = ProtoField.uint64("ubp.report.octets", "Octets used"),
    error = ProtoField.uint32("ubp.report.error", "Error number", base.HEX),
    millis = ProtoField.uint32("ubp.report.ms", "Duration (ms)"),
    lost = ProtoField.uint32("ubp.report.lost", "Blocks lost"),
    again = ProtoField.uint32("ubp.report.again", "Blocks asked for again"),
    wrong = ProtoField.uint32("ubp.report.wrong", "Wrong blocks"),
    state = ProtoField.uint32("ubp.report.state", "State of the device", base.HEX),
}
ubp.fields = f

local function bits(octets)
    local count = 0
    for at = 0, octets:len() - 1 do
        local octet = octets:get_index(at)
        while octet > 0 do
            count = count + octet % 2
            octet = math.floor(octet / 2)
        end
    end
    return count
end

local parts = {
    OPEN = function(tree, b)
        tree:add(f.wants_group, b(1, 1))
        tree:add(f.by_digest, b(1, 1))
        tree:add(f.window, b(2, 2))
        tree:add(f.nonce, b(4, 8))
        tree:add(f.rate, b(12, 4))
        local length = math.min(b(16, 2):uint(), 268)
        if length == 0 then
            return "without a name"
        end
        local name = b(20, length)
        if b(1, 1):bitfield(6, 1) == 1 then
            tree:add(f.digest, name)
            return tostring(name:bytes())
        end
        tree:add(f.path, name)
        return name:string()
    end,
    META = function(tree, b)
        tree:add(f.nonce, b(4, 8))
        tree:add(f.cookie, b(16, 8))
        tree:add(f.size, b(24, 8))
        tree:add(f.root, b(32, 32))
        if b(1, 1):bitfield(7, 1) == 1 then
            if b(1, 1):bitfield(6, 1) == 1 then
                tree:add(f.group6, b(64, 16))
            else
                tree:add(f.group4, b(64, 4))
            end
            tree:add(f.port, b(2, 2))
            tree:add(f.rate, b(12, 4))
        end
        return tostring(b(24, 8):uint64()) .. " octets"
    end,
    BUSY = function(tree, b)
        tree:add(f.token, b(4, 8))
        tree:add(f.retry, b(12, 4))
        return "for " .. b(12, 4):uint() .. " ms"
    end,
    ERROR = function(tree, b)
        tree:add(f.code, b(2, 2))
        tree:add(f.token, b(4, 8))
        return codes[b(2, 2):uint()] or "unknown"
    end,
    GET = function(tree, b)
        tree:add(f.gap, b(2, 2))
        tree:add(f.cookie, b(4, 8))
        tree:add(f.id, b(12, 4))
        tree:add(f.map, b(16, 8))
        tree:add(f.number, b(24, 4))
        local count = bits(b(16, 8):bytes())
        tree:add(f.asked, b(16, 8), count)
        return count .. " from " .. b(24, 4):uint()
    end,
    DATA = function(tree, b)
        tree:add(f.short_id, b(2, 2))
        tree:add(f.number, b(4, 4))
        tree:add(f.block, b(8))
        return tostring(b(4, 4):uint())
    end,
    PARITY = function(tree, b)
        tree:add(f.count, b(1, 1))
        tree:add(f.short_id, b(2, 2))
        tree:add(f.number, b(4, 4))
        tree:add(f.block, b(8))
        return b(1, 1):uint() .. " from " .. b(4, 4):uint()
    end,
    REPORT = function(tree, b)
        tree:add(f.cookie, b(4, 8))
        tree:add(f.id, b(12, 4))
        tree:add(f.octets, b(16, 8))
        for at, field in ipairs({ f.error, f.millis, f.lost, f.again, f.wrong, f.state }) do
            tree:add(field, b(20 + 4 * at, 4))
        end
        return string.format("error 0x%08x", b(24, 4):uint())
    end,
}

function ubp.dissector(buffer, pinfo, root)
    local length = buffer:len()
    if length == 0 then
        return 0
    end
    local first = buffer(0, 1):uint()
    local kind = first % 16
    local name = types[kind]
    local fits = lengths[kind] == length or name == "DATA" and length > 8 and length <= 1032
    if math.floor(first / 16) ~= 1 or not name or not fits then
        return 0
    end
    pinfo.cols.protocol = "UBP"
    local tree = root:add(ubp, buffer(), "UDP Boot Protocol, " .. name)
    tree:add(f.version, buffer(0, 1))
    tree:add(f.type, buffer(0, 1))
    pinfo.cols.info = name .. " " .. parts[name](tree, buffer)
    return length
end

DissectorTable.get("udp.port"):add(6910, ubp)
