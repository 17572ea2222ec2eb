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
--   F frame                                         a frame that is done with, whatever is in it (CAREFUL)
--   Z frames failed                                 the end: frames that matter, frames that this script failed on

local LIMITS = LIMITS or {}    -- bytes of a message that matter, by command * 2 + (response and 1 or 0)
local LIMIT = LIMIT or 65600   -- for the others
local CAREFUL = CAREFUL        -- lines are written as they come, so that none is lost where tshark crashes

local command_field = Field.new("smb2.cmd")
local time_field = Field.new("frame.time_epoch")
local stream_field = Field.new("tcp.stream")
local nonce_field = Field.new("smb2.header.transform.nonce")
local malformed_field = Field.new("_ws.malformed")
local gap_field = Field.new("tcp.analysis.lost_segment")
local smb1_field = Field.new("smb.cmd")
local identity_fields = {
  Field.new("ntlmssp.auth.username"), Field.new("ntlmssp.auth.domain"), Field.new("ntlmssp.auth.hostname"),
  Field.new("kerberos.CNameString"), Field.new("kerberos.crealm"),
}

local write, byte, format, hex = io.write, string.byte, string.format, Struct.tohex
local SESSION_SETUP, OTHER = 2, -1
local LEAST = 128  -- bytes that are looked at first; the least of all limits
local seen, lacks, frames, failed = {}, {}, 0, 0

local function count(what, stream)
  lacks[what] = lacks[what] or {}
  lacks[what][stream] = (lacks[what][stream] or 0) + 1
end

local function escape(text)
  return (text:gsub("[%c]", function(c) return "\27" .. string.char(c:byte() % 128 + 64) end))
end

local function stream_of(pinfo)
  local info = stream_field()
  -- %d: from Lua 5.4 on a number may be a float, which prints with a fraction.
  if info then return format("%d", info.value) end
  -- Not over TCP (QUIC, RDMA): the two ends name the conversation.
  local ends = { format("%s-%d", tostring(pinfo.src), pinfo.src_port),
                 format("%s-%d", tostring(pinfo.dst), pinfo.dst_port) }
  table.sort(ends)
  return ends[1] .. "/" .. ends[2]
end

local function announce(stream, pinfo)
  if not seen[stream] then
    seen[stream] = true
    write(format("C\t%s\t%s\t%d\t%s\t%d\n", stream, tostring(pinfo.src), pinfo.src_port,
                 tostring(pinfo.dst), pinfo.dst_port))
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

local function message(info, number, time, stream, several, origins, sealed)
  local source, start = info.source, info.offset - 12
  if start < 0 then return false end
  local size = source:len()
  local length = size - start
  local opened = sealed and source:raw(0, size < 4 and size or 4) == "\254SMB"
  local origin = (several and origin_of(source, origins) or "1") .. (opened and "e" or "")
  if length > LEAST then length = LEAST end
  local data, key = source:raw(start, length), OTHER
  if length > 16 then
    key = (byte(data, 13) + byte(data, 14) * 256) * 2 + byte(data, 17) % 2
    local limit = LIMITS[key] or LIMIT
    if limit > LEAST and size - start > LEAST then
      data = source:raw(start, size - start < limit and size - start or limit)
    end
  end
  local who = key == SESSION_SETUP and identity() or ""
  write("P\t", number, "\t", time, "\t", stream, "\t", origin, "\t", hex(data), who, "\n")
  return opened
end

local function sealed_session(nonce)
  -- SMB2 TRANSFORM_HEADER ([MS-SMB2] 2.2.41): the nonce is at 20, the session id at 44.
  local place = nonce.offset + 24
  if nonce.source:len() < place + 8 then return "" end
  return hex(nonce.source:raw(place, 8))
end

-- A Simple Packet Block of pcapng has no time.
local function time_of()
  local info = time_field()
  return info and tostring(info.value) or "0"
end

local function packet(pinfo)
  local first, second = command_field()
  local sealed = nonce_field()
  if not first and not sealed then return false end
  local number, time, stream = format("%d", pinfo.number), time_of(), stream_of(pinfo)
  announce(stream, pinfo)
  local opened = false
  if second then
    local origins = { count = 0 }
    for _, info in ipairs({ command_field() }) do
      opened = message(info, number, time, stream, true, origins, sealed) or opened
    end
  elseif first then
    opened = message(first, number, time, stream, false, nil, sealed)
  end
  if sealed and not opened then
    for _, nonce in ipairs({ nonce_field() }) do
      write("U\t", number, "\t", time, "\t", stream, "\t", sealed_session(nonce), "\n")
    end
  end
  if pinfo.caplen < pinfo.len then count("snapped", stream) end
  if malformed_field() then count("malformed", stream) end
  return true
end

local function other(pinfo)
  if smb1_field() then count("smb1", stream_of(pinfo)) end
end

-- One listener: each one's filter is applied to every frame of the capture.
local tap = Listener.new("frame", "smb2 || smb || tcp.analysis.lost_segment")

function tap.packet(pinfo)
  frames = frames + 1
  local done, messages = pcall(packet, pinfo)
  if not done then failed = failed + 1 end
  if not messages then pcall(other, pinfo) end
  if gap_field() then pcall(function() count("tcp_gaps", stream_of(pinfo)) end) end
end

if CAREFUL then
  io.stdout:setvbuf("line")
  local every = Listener.new("frame")
  function every.packet(pinfo) write(format("F\t%d\n", pinfo.number)) end
end

function tap.draw()
  for what, streams in pairs(lacks) do
    for stream, number in pairs(streams) do
      if seen[stream] or what == "smb1" then write(format("G\t%s\t%s\t%d\n", what, stream, number)) end
    end
  end
  write(format("Z\t%d\t%d\n", frames, failed))
  io.stdout:flush()
end
