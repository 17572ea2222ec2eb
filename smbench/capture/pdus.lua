-- Runs inside tshark: one line for every SMB2 message that Wireshark's dissector found, with the message's
-- own bytes. What reassembly, NetBIOS framing, decryption and decompression made readable is thus taken
-- over exactly, PDU by PDU; the layouts of [MS-SMB2] are read from the bytes in Python (wire.py there).
-- Written for the Lua 5.2 of Wireshark 4.0 and the 5.4 of 4.4.
--
-- Lines, tab-separated:
--   C stream source port destination port           a stream's first message, addresses as that frame had them
--   P frame time stream origin bytes [identity…]    a message; origin: its buffer within the frame, `e` if decrypted
--   U frame time stream session                     a message that no key opened; the session id as wire bytes
--   G what stream count                             what a stream lacks, at the end
--   Z frames failed                                 the end: frames read with SMB2, frames that this script failed on

local LIMITS = LIMITS or {}    -- bytes of a message that matter, by command * 2 + (response and 1 or 0)
local LIMIT = LIMIT or 65600   -- for the others

local command_field = Field.new("smb2.cmd")
local time_field = Field.new("frame.time_epoch")
local stream_field = Field.new("tcp.stream")
local nonce_field = Field.new("smb2.header.transform.nonce")
local identity_fields = {
  Field.new("ntlmssp.auth.username"), Field.new("ntlmssp.auth.domain"), Field.new("ntlmssp.auth.hostname"),
  Field.new("kerberos.CNameString"), Field.new("kerberos.crealm"),
}

local write = io.write
local seen, lacks, frames, failed = {}, {}, 0, 0

local function escape(text)
  return (text:gsub("[%c]", function(c) return "\27" .. string.char(c:byte() % 128 + 64) end))
end

local function hex(source, first, length)
  return Struct.tohex(source:raw(first, length))
end

local function stream_of(pinfo)
  local info = stream_field()
  if info then return tostring(info.value) end
  -- Not over TCP (QUIC, RDMA): the two ends name the conversation.
  local ends = { tostring(pinfo.src) .. "-" .. pinfo.src_port, tostring(pinfo.dst) .. "-" .. pinfo.dst_port }
  table.sort(ends)
  return ends[1] .. "/" .. ends[2]
end

local function announce(stream, pinfo)
  if not seen[stream] then
    seen[stream] = true
    write("C\t", stream, "\t", tostring(pinfo.src), "\t", pinfo.src_port, "\t", tostring(pinfo.dst), "\t",
          pinfo.dst_port, "\n")
  end
end

local function identity()
  local values = {}
  for place, field in ipairs(identity_fields) do
    local info = field()
    values[place] = info and info.value and escape(tostring(info.value)) or ""
  end
  return "\t" .. table.concat(values, "\t")
end

-- One number a buffer of the frame. Buffers are told apart by length and first bytes: the message id is among
-- them, and what reassembly or decryption made is a buffer of its own.
local function origin_of(source, origins)
  local key = source:len() .. source:raw(0, math.min(source:len(), 80))
  if not origins[key] then
    origins.count = origins.count + 1
    origins[key] = tostring(origins.count)
  end
  return origins[key]
end

local function message(info, head, several, origins, sealed)
  local source, start = info.source, info.offset - 12
  if start < 0 then return false end
  local length = source:len() - start
  local origin = several and origin_of(source, origins) or "1"
  local opened = sealed and source:raw(0, math.min(4, source:len())) == "\254SMB"
  local key = 2 * 65536
  if length > 16 then
    key = source(start + 12, 2):le_uint() * 2 + source(start + 16, 1):uint() % 2
  end
  local limit = LIMITS[key] or LIMIT
  local bytes = hex(source, start, length < limit and length or limit)
  write("P", head, origin, opened and "e\t" or "\t", bytes, key == 2 and identity() or "", "\n")
  return opened
end

local function sealed_session(nonce)
  -- SMB2 TRANSFORM_HEADER ([MS-SMB2] 2.2.41): the nonce is at 20, the session id at 44.
  local place = nonce.offset + 24
  if nonce.source:len() < place + 8 then return "" end
  return hex(nonce.source, place, 8)
end

local tap = Listener.new("frame", "smb2")

local function packet(pinfo)
  local commands, nonces = { command_field() }, { nonce_field() }
  if #commands == 0 and #nonces == 0 then return end
  local stream = stream_of(pinfo)
  announce(stream, pinfo)
  local head = "\t" .. pinfo.number .. "\t" .. tostring(time_field().value) .. "\t" .. stream .. "\t"
  local origins, opened = { count = 0 }, false
  for _, info in ipairs(commands) do
    opened = message(info, head, #commands > 1, origins, #nonces > 0) or opened
  end
  if not opened then
    for _, nonce in ipairs(nonces) do write("U", head, sealed_session(nonce), "\n") end
  end
end

function tap.packet(pinfo)
  frames = frames + 1
  if not pcall(packet, pinfo) then failed = failed + 1 end
end

local function count(what, filter)
  local listener = Listener.new("frame", filter)
  lacks[what] = {}
  function listener.packet(pinfo)
    local done, stream = pcall(stream_of, pinfo)
    if done then lacks[what][stream] = (lacks[what][stream] or 0) + 1 end
  end
end

count("tcp_gaps", "tcp.analysis.lost_segment")
count("malformed", "smb2 && _ws.malformed")
count("snapped", "tcp && frame.cap_len < frame.len")
count("smb1", "smb")

function tap.draw()
  for what, streams in pairs(lacks) do
    for stream, number in pairs(streams) do
      if seen[stream] or what == "smb1" then write("G\t", what, "\t", stream, "\t", number, "\n") end
    end
  end
  write("Z\t", frames, "\t", failed, "\n")
  io.stdout:flush()
end
