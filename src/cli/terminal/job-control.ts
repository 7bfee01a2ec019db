import type { ReadStream } from "node:tty";

/** Shows the cursor, which a prompt hides, and goes to the next line. */
export const LEAVE_PROMPT = "\u001b[?25h\n";

export interface Questioned {
  readonly input: ReadStream;
  readonly output: NodeJS.WritableStream;
  /** What is shown again once the program goes on; the prompt itself draws at the next key. */
  readonly question: string;
}

/**
 * Ctrl-Z at a prompt, and `fg`. Node's line reader stops the process with the cursor hidden, and pauses for good as it goes on;
 * a shell that has had the terminal meanwhile leaves echo on, so that what is typed next would show.
 *
 * @returns what ends it
 */
export function surviveStops({ input, output, question }: Questioned): () => void {
  const stop = (): void => {
    output.write(LEAVE_PROMPT);
    // With no listener left the signal does what it does to any program; this returns once the process goes on.
    process.removeListener("SIGTSTP", stop);
    process.kill(process.pid, "SIGTSTP");
    process.on("SIGTSTP", stop);
  };
  let wasStopped = false;
  const goOn = (): void => void setImmediate(takeBack);
  const takeBack = (): void => {
    if (process.listenerCount("SIGCONT", goOn) === 0) return;
    wasStopped = true;
    // The mode that Node.js remembers is the one from before: only a change reaches the terminal.
    input.setRawMode(false);
    input.setRawMode(true);
    input.resume();
    output.write(`? ${question} `);
  };
  process.on("SIGTSTP", stop).on("SIGCONT", goOn);
  return () => {
    process.removeListener("SIGTSTP", stop).removeListener("SIGCONT", goOn);
    // The line reader believes that it paused long ago.
    if (wasStopped) input.pause();
  };
}
