// What is behind the demo's peer: a web server that says who asked, and a name server that knows hello.wg.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';

const ADDRESS = '10.77.0.1';
const NAME = 'hello.wg';
const HEADER_BYTES = 12;
const TYPE_A = 1;

const web = createServer((request, response) => {
  response.end(`hello, ${request.url} was asked for from ${request.socket.remoteAddress}\n`);
});
web.listen(80, ADDRESS);
await once(web, 'listening');

const names = createSocket('udp4');
names.on('message', (query, from) => {
  const answer = answerTo(query);
  if (answer) names.send(answer, from.port, from.address);
});
names.bind(53, ADDRESS);
await once(names, 'listening');

console.log(`serving http://${NAME}/ (${ADDRESS})`);

/** Answers one question (RFC 1035 4.1): the address for A, nothing for other types, no such name for other names. */
function answerTo(query) {
  if (query.length <= HEADER_BYTES) return undefined;
  const labels = [];
  let at = HEADER_BYTES;
  while (query[at] > 0 && query[at] < 64 && at + query[at] < query.length) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += 1 + query[at];
  }
  const end = at + 5;
  if (query[at] !== 0 || end > query.length) return undefined;
  const isKnown = labels.join('.').toLowerCase() === NAME;
  const hasAddress = isKnown && query.readUInt16BE(at + 1) === TYPE_A;
  const answer = Buffer.concat([
    query.subarray(0, end),
    // The name by reference, type A, class IN, 60 seconds, four bytes.
    hasAddress
      ? Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, ...ADDRESS.split('.')])
      : Buffer.alloc(0),
  ]);
  // Response, authoritative; recursion desired is copied; 3 is "no such name".
  answer[2] = 0x84 | (query[2] & 1);
  answer[3] = isKnown ? 0 : 3;
  answer.writeUInt16BE(hasAddress ? 1 : 0, 6);
  answer.writeUInt32BE(0, 8);
  return answer;
}
