import { execFileSync } from 'node:child_process';

/** Stops a PostgreSQL server with all that serves its connections, as on a host that hangs: connections stay, and nothing answers. */
export function freezeServer(pid: number): () => void {
  const processes = [pid, ...childrenOf(pid)];
  for (const one of processes) process.kill(one, 'SIGSTOP');
  return () => {
    for (const one of processes.splice(0)) process.kill(one, 'SIGCONT');
  };
}

function childrenOf(pid: number): readonly number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/ +/).map(Number));
  return pairs.flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []));
}
