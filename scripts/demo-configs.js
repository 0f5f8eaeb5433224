// Writes peer.conf and demo.conf with fresh keys into the directory given.
import { generateKeyPairSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.argv[2];

/** The two keys as base64. */
function keyPair() {
  const { privateKey } = generateKeyPairSync('x25519');
  const { d, x } = privateKey.export({ format: 'jwk' });
  const base64 = (text) => Buffer.from(text, 'base64url').toString('base64');
  return { secret: base64(d), shared: base64(x) };
}

/** A UDP port of loopback that nobody uses. */
async function freePort() {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

const peer = keyPair();
const demo = keyPair();
const port = await freePort();

const files = {
  'peer.conf': `[Interface]
PrivateKey = ${peer.secret}
Address = 10.77.0.1/24, fd77::1/64
DNS = 10.77.0.1
ListenPort = ${port}

[Peer]
PublicKey = ${demo.shared}
AllowedIPs = 10.77.0.0/24, fd77::/64
`,
  'demo.conf': `[Interface]
PrivateKey = ${demo.secret}
Address = 10.77.0.2/32, fd77::2/128
DNS = 10.77.0.1

[Peer]
PublicKey = ${peer.shared}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 127.0.0.1:${port}
`,
};
for (const [name, text] of Object.entries(files)) {
  writeFileSync(join(directory, name), text, { mode: 0o600 });
}
