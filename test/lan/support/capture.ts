/** What went over the wire: a listener in Python, as Node has no raw sockets, and what can be read of its frames. */

/** Writes each frame with its length before it. Ready when the file is there. */
export const listener = `
import os, signal, socket, struct, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.setsockopt(socket.SOL_SOCKET, 33, 64 * 1024 * 1024)  # SO_RCVBUFFORCE: what is not read in time would be missing
file = open(sys.argv[1] + '.new', 'wb', buffering=1024 * 1024)
os.rename(sys.argv[1] + '.new', sys.argv[1])
over = False
def end(*_):
    global over
    over = True
signal.signal(signal.SIGTERM, end)
wire.settimeout(0.2)
while not over:
    try: frame = wire.recv(262144)
    except TimeoutError: continue
    file.write(struct.pack('>I', len(frame)) + frame)
file.close()
`;

export function framesIn(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return frames;
}

export interface Datagram {
  readonly to: string;
  readonly port: number;
  readonly payload: Buffer;
}

/** Of UDP over IPv4, each once however many ports of the switch it passed. */
export function datagramsIn(frames: readonly Buffer[]): Datagram[] {
  const found = new Map<string, Datagram>();
  for (const frame of frames) {
    const isIpv4 = frame.length >= 42 && frame.readUInt16BE(12) === 0x0800;
    if (!isIpv4 || frame[23] !== 17) continue;
    const udp = 14 + (frame[14] & 15) * 4;
    const to = [...frame.subarray(30, 34)].join('.');
    const payload = frame.subarray(udp + 8, udp + frame.readUInt16BE(udp + 4));
    const port = frame.readUInt16BE(udp + 2);
    found.set(`${to} ${port} ${payload.toString('latin1')}`, { to, port, payload });
  }
  return [...found.values()];
}
