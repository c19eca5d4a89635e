/** CRC16/XMODEM, the one that the Redis Cluster specification names for slots (polynomial 0x1021, start 0). */
const table = new Uint16Array(256);
for (let index = 0; index < 256; index++) {
  let remainder = index << 8;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 0x8000 ? (remainder << 1) ^ 0x1021 : remainder << 1;
  }
  table[index] = remainder & 0xffff;
}

export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let index = start; index < end; index++) {
    crc = ((crc << 8) ^ table[((crc >>> 8) ^ bytes[index]) & 0xff]) & 0xffff;
  }
  return crc;
}
