import type { Network } from './part.ts';
import { type Command, launch, run, type Running } from './process.ts';

/** Two networks that one cable joins, and nothing else. */
export interface TwoNetworks {
  readonly near: Network;
  readonly far: Network;
  /** The address of the far side of the cable. */
  readonly farAddress: string;
  /** Pulls the cable out at the near side, which loses its address too. */
  unplug(): Promise<void>;
  /** Plugs it in with an address that the near side has not had before. */
  plugIn(): Promise<void>;
  stop(): Promise<void>;
}

const farAddress = '10.79.0.1';

/** Makes two networks; the cable is plugged in. It takes root, as `openWorld` does. */
export async function openTwoNetworks(): Promise<TwoNetworks> {
  const holders = await Promise.all([holdNetwork(), holdNetwork()]);
  const [near, far] = holders.map(toNetwork) as [Network, Network];
  const configure = async (network: Network, script: string) => {
    const { code, stderr } = await run(network.enter({ file: 'sh', args: ['-ec', script] }));
    if (code !== 0) throw new Error(`${script} failed: ${stderr}`);
  };
  let addresses = 1;
  const plugIn = () => configure(near, `ip link set cable up; ip address add 10.79.0.${++addresses}/24 dev cable`);
  await configure(near, `ip link add cable type veth peer name cable netns ${holders[1]?.child.pid}`);
  await configure(far, `ip address add ${farAddress}/24 dev cable; ip link set cable up`);
  await plugIn();
  return {
    near,
    far,
    farAddress,
    plugIn,
    unplug: () => configure(near, 'ip link set cable down; ip address flush dev cable'),
    stop: async () => void (await Promise.all(holders.map((holder) => holder.stop()))),
  };
}

async function holdNetwork(): Promise<Running> {
  const script = 'ip link set lo up; echo ready; exec sleep infinity';
  const holder = launch({ file: 'unshare', args: ['--net', '--', 'sh', '-ec', script] });
  await holder.waitFor('network', () => holder.stdout().includes('ready') || undefined);
  return holder;
}

function toNetwork(holder: Running): Network {
  const enter = ({ file, args, ...rest }: Command): Command => ({
    file: 'nsenter',
    args: ['--target', String(holder.child.pid), '--net', '--', file, ...args],
    ...rest,
  });
  const isListening = async (port: number) => {
    const { code } = await run(enter({ file: 'socat', args: ['-u', '/dev/null', `TCP4:127.0.0.1:${port}`] }));
    return code === 0;
  };
  return { enter, isListening };
}
