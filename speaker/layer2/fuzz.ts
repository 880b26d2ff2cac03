/** Seeded mutations of good input: what decoders must survive. For tests. */
export function mutate(input: Uint8Array, random: () => number): Buffer {
  let octets = Buffer.from(input);
  const rounds = 1 + Math.floor(random() * 4);
  for (let round = 0; round < rounds; round++) {
    const at = Math.floor(random() * Math.max(1, octets.length));
    switch (Math.floor(random() * 5)) {
      case 0:
        if (octets.length > 0) octets[at] = Math.floor(random() * 256);
        break;
      case 1:
        if (octets.length > 0) octets[at] = (octets[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        break;
      case 2:
        octets = octets.subarray(0, at);
        break;
      case 3:
        octets = Buffer.concat([octets.subarray(0, at), octets.subarray(Math.floor(random() * octets.length))]);
        break;
      default:
        octets = Buffer.concat([octets, Buffer.from([Math.floor(random() * 256), 0, 255])]);
    }
  }
  // A decoder must not read beyond its input even where the memory behind it is somebody else's.
  return Buffer.from(octets);
}
