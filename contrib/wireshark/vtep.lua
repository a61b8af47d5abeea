-- Wireshark's view of sealed VXLAN: docs/sealing-format.md, field by field.
--
--   tshark -X lua_script:vtep.lua -r capture.pcap -Y vtep
--   or copy it to a plugin directory (Help, About Wireshark, Folders).
--
-- Preferences (-o vtep.port:4790 -o vtep.key_log:FILE): UDP port and key log. Lua has no ciphers in Wireshark 4.0,
-- so with a key log this tells of which datagrams there are keys; it opens none. `vtep capture -r FILE --keys KEYS -w
-- inner.pcap` does that: docs/capture-keys.md.

local vtep = Proto("vtep", "Sealed VXLAN (vtep)")

local HEADER, LABEL = 16, "VTEP_TRANSPORT_KEY"
local FRAME, CONTROL, HANDSHAKE = "frame", "control", "handshake"
local kinds = { [0x0c0000fe] = FRAME, [0x0d0000fe] = CONTROL, [0x0d0000ff] = HANDSHAKE }
local messages = { [1] = "initiation", [2] = "response", [3] = "cookie" }

local f = {
  flags = ProtoField.uint8("vtep.flags", "Flags", base.HEX),
  flag_i = ProtoField.bool("vtep.flags.i", "VNI field", 8, nil, 0x08),
  flag_p = ProtoField.bool("vtep.flags.p", "Next protocol", 8, nil, 0x04),
  flag_o = ProtoField.bool("vtep.flags.o", "Control or handshake", 8, nil, 0x01),
  reserved = ProtoField.bytes("vtep.reserved", "Reserved"),
  next_protocol = ProtoField.uint8("vtep.next_protocol", "Next protocol", base.HEX,
    { [0xfe] = "frame or control", [0xff] = "handshake" }),
  vni = ProtoField.uint24("vtep.vni", "VNI", base.DEC),
  lane = ProtoField.uint8("vtep.lane", "Lane", base.DEC, nil, 0xf0),
  index = ProtoField.uint24("vtep.index", "Session index of the receiver", base.HEX, nil, 0x0fffff),
  counter = ProtoField.uint64("vtep.counter", "Counter", base.DEC),
  kind = ProtoField.string("vtep.kind", "Kind"),
  type = ProtoField.uint8("vtep.type", "Handshake message", base.DEC, messages),
  ciphertext = ProtoField.bytes("vtep.ciphertext", "Ciphertext and tag"),
  key = ProtoField.string("vtep.key", "Keys in the key log"),
  ephemeral = ProtoField.bytes("vtep.ephemeral", "Ephemeral public key"),
  static = ProtoField.bytes("vtep.static", "Static public key, encrypted"),
  payload = ProtoField.bytes("vtep.payload", "Payload, encrypted"),
  mac1 = ProtoField.bytes("vtep.mac1", "mac1"),
  mac2 = ProtoField.bytes("vtep.mac2", "mac2"),
  nonce = ProtoField.bytes("vtep.cookie_nonce", "Nonce"),
  cookie = ProtoField.bytes("vtep.cookie", "Cookie, encrypted"),
}
for _, field in pairs(f) do table.insert(vtep.fields, field) end

local malformed, severe = expert.group.MALFORMED, expert.severity.ERROR
local framing = ProtoExpert.new("vtep.framing", "No framing of sealed VXLAN", malformed, severe)
local short = ProtoExpert.new("vtep.short", "Too short", malformed, severe)
vtep.experts = { framing, short }

vtep.prefs.port = Pref.uint("UDP port", 4790, "The port of sealed VXLAN")
vtep.prefs.key_log = Pref.string("Key log", "", "A file that an agent wrote: control.key-log")

-- What follows the header of each handshake message: field and size.
local layouts = {
  [1] = { { f.ephemeral, 32 }, { f.static, 48 }, { f.payload, 48 }, { f.mac1, 16 }, { f.mac2, 16 } },
  [2] = { { f.ephemeral, 32 }, { f.payload, 24 }, { f.mac1, 16 }, { f.mac2, 16 } },
  [3] = { { f.nonce, 24 }, { f.cookie, 32 } },
}

local keys = {}

-- The ciphers of the keys of each index; nothing where the file cannot be read.
local function read_keys(path)
  keys = {}
  local file = path ~= "" and io.open(path, "r")
  if not file then return end
  for line in file:lines() do
    local index, cipher = line:match("^" .. LABEL .. " (%x%x%x%x%x) (%S+) ")
    if index then
      index = tonumber(index, 16)
      keys[index] = keys[index] and (keys[index] .. ", " .. cipher) or cipher
    end
  end
  file:close()
end

local function add_header(tree, tvb, count)
  local flags = tree:add(f.flags, tvb(0, 1))
  for _, flag in ipairs({ f.flag_i, f.flag_p, f.flag_o }) do flags:add(flag, tvb(0, 1)) end
  if count >= 3 then tree:add(f.reserved, tvb(1, 2)) end
  if count >= 4 then tree:add(f.next_protocol, tvb(3, 1)) end
  if count >= 7 then tree:add(f.vni, tvb(4, 3)) end
  if count >= 8 then tree:add(f.reserved, tvb(7, 1)) end
  if count < HEADER then return end
  tree:add(f.lane, tvb(8, 1))
  tree:add(f.index, tvb(8, 3))
  tree:add(f.counter, tvb(11, 5))
end

-- Frame, control or handshake; nil where the header is none of them.
local function kind_of(tvb)
  local kind = kinds[tvb(0, 4):uint()]
  if tvb(7, 1):uint() ~= 0 or kind ~= FRAME and tvb(4, 3):uint() ~= 0 then return nil end
  return kind
end

local function add_handshake(tree, tvb, count)
  local counter = tvb(11, 5):uint64()
  local layout = counter < UInt64(4) and layouts[counter:tonumber()]
  if not layout then
    tree:add_proto_expert_info(framing, "Unknown handshake message")
    return HANDSHAKE
  end
  tree:add(f.type, tvb(15, 1))
  local offset = HEADER
  for _, part in ipairs(layout) do
    if offset + part[2] > count then
      tree:add_proto_expert_info(short)
      break
    end
    tree:add(part[1], tvb(offset, part[2]))
    offset = offset + part[2]
  end
  if offset < count then tree:add_proto_expert_info(framing, "Bytes behind the end") end
  return messages[counter:tonumber()]
end

local function add_body(tree, tvb, count, kind)
  if tvb:reported_len() <= HEADER + 16 then tree:add_proto_expert_info(short) end
  if count > HEADER then tree:add(f.ciphertext, tvb(HEADER, count - HEADER)) end
  local known = keys[tvb(8, 3):bitfield(4, 20)]
  if known then tree:add(f.key, known):set_generated() end
  local vni = kind == FRAME and string.format(", VNI %d", tvb(4, 3):uint()) or ""
  return kind .. vni
end

function vtep.dissector(tvb, pinfo, root)
  local count = tvb:captured_len()
  if count == 0 then return 0 end
  pinfo.cols.protocol = "vtep"
  local tree = root:add(vtep, tvb())
  add_header(tree, tvb, count)
  local kind = count >= 8 and kind_of(tvb)
  if count >= 8 and not kind then
    tree:add_proto_expert_info(framing)
    pinfo.cols.info = "No sealed VXLAN"
    return count
  end
  if count < HEADER then
    tree:add_proto_expert_info(short)
    pinfo.cols.info = "Sealed VXLAN, too short"
    return count
  end
  tree:add(f.kind, kind):set_generated()
  local add = kind == HANDSHAKE and add_handshake or add_body
  local what = add(tree, tvb, count, kind)
  pinfo.cols.info = string.format("Sealed %s, lane %d, index %05x, counter %s", what, tvb(8, 1):bitfield(0, 4),
    tvb(8, 3):bitfield(4, 20), tostring(tvb(11, 5):uint64()))
  return count
end

local ports = DissectorTable.get("udp.port")
local port

local function follow_preferences()
  if port ~= vtep.prefs.port then
    if port then ports:remove(port, vtep) end
    port = vtep.prefs.port
    ports:add(port, vtep)
  end
  read_keys(vtep.prefs.key_log)
end

vtep.prefs_changed = follow_preferences
vtep.init = follow_preferences
follow_preferences()
