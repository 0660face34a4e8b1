import { Requester } from './requests.mjs';
import { measureWindow, percentiles } from './window.mjs';
import { largeBody } from './wire.mjs';

const smallRequest = Buffer.from('GET /small HTTP/1.1\r\nHost: bench.test\r\n\r\n');
const largeRequest = Buffer.from('GET /large HTTP/1.1\r\nHost: bench.test\r\n\r\n');
const uploadRequest = Buffer.concat([
  Buffer.from(`POST /upload HTTP/1.1\r\nHost: bench.test\r\nContent-Length: ${largeBody}\r\n\r\n`),
  Buffer.alloc(largeBody, 'load'),
]);

/** Small requests, each after the answer to the one before it. `rate` is per second over all connections. */
export async function runRequests(job) {
  const latencies = [];
  const state = await openAll(job);
  for (const requester of state.requesters) {
    let sent = 0;
    const send = () => {
      sent = performance.now();
      requester.socket.write(smallRequest);
    };
    requester.onAnswer = () => {
      latencies.push(performance.now() - sent);
      send();
    };
    send();
  }
  const measured = await measureWindow(job, () => latencies.length);
  const failures = closeAll(state);
  const work = latencies.length / 1000;
  return { rate: measured.perSecond, work, failures, ...percentiles(latencies.slice(measured.first)) };
}

/** Large answers, one after the other on each connection; `rate` in MB/s. */
export function runDownloads(job) {
  return measureBodies(job, (requester, count) => {
    requester.onBody = (length) => count(length);
    return largeRequest;
  });
}

/** Large bodies of requests, counted when their answer is there; `rate` in MB/s. */
export function runUploads(job) {
  return measureBodies(job, (requester, count) => {
    requester.onAnswer = () => count(largeBody);
    return uploadRequest;
  });
}

async function measureBodies(job, prepare) {
  let bytes = 0;
  const state = await openAll(job);
  for (const requester of state.requesters) {
    const request = prepare(requester, (length) => (bytes += length));
    const { onAnswer } = requester;
    requester.onAnswer = () => {
      onAnswer();
      requester.socket.write(request);
    };
    requester.socket.write(request);
  }
  const measured = await measureWindow(job, () => bytes);
  const failures = closeAll(state);
  return { rate: measured.perSecond / 1e6, work: bytes / 1e9, failures };
}

async function openAll(job) {
  const requesters = await Promise.all(Array.from({ length: job.tunnels }, () => Requester.open(job)));
  const state = { requesters, failures: 0 };
  for (const requester of requesters) requester.onFailure = () => state.failures++;
  return state;
}

/** Returns how many connections had failed. */
function closeAll({ requesters, failures }) {
  for (const requester of requesters) {
    requester.onFailure = () => {};
    requester.socket.destroy();
  }
  return failures;
}
