/** A long cable, in Python: what comes in at one interface leaves at the other a while later. Not every kernel has a delay of its own. */

/** Its arguments: seconds, and the two interfaces. Says when it is there. */
export const delayer = `
import collections, select, socket, sys, time
delay, names = float(sys.argv[1]), sys.argv[2:]
ends = []
for name in names:
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    end.bind((name, 0))
    end.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING: not what is sent here
    ends.append(end)
other = {ends[0]: ends[1], ends[1]: ends[0]}
held = collections.deque()
print('there', flush=True)
while True:
    wait = max(0, held[0][0] - time.monotonic()) if held else None
    for end in select.select(ends, [], [], wait)[0]:
        held.append((time.monotonic() + delay, end.recv(65536), other[end]))
    while held and held[0][0] <= time.monotonic():
        _, frame, out = held.popleft()
        try: out.send(frame)
        except OSError: pass  # It is longer than the cable takes, or the cable is out.
`;

/** The network card of its argument computes no checksum and cuts no frame: both are done before. */
export const checksumsInFull = `
import ctypes, fcntl, socket, struct, sys
off = {'checksums': 0x17, 'segments': 0x1f, 'generic segments': 0x24, 'generic joining': 0x2c}  # ETHTOOL_STXCSUM, STSO, SGSO, SGRO
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for command in off.values():
    value = ctypes.create_string_buffer(struct.pack('II', command, 0))
    request = struct.pack('16sP16x', sys.argv[1].encode(), ctypes.addressof(value))
    try: fcntl.ioctl(control, 0x8946, request)  # SIOCETHTOOL
    except OSError: pass
`;
