// Answers every datagram with the name given: which of several nodes has a flow come to?
import { createSocket } from 'node:dgram';

const [address, port, name] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('message', (_data, from) => socket.send(name, from.port, from.address));
socket.bind(Number(port), address, () => console.log('ready'));
