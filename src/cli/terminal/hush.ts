import type { ReadStream } from "node:tty";

const CTRL_C = 3;

/**
 * Until the returned function is called, what is typed is neither shown nor kept: for the time between two secrets, in
 * which somebody may type the second one ahead. Ctrl-C works on.
 */
export function hush(input: ReadStream): () => void {
  const swallow = (chunk: Buffer | string): void => {
    if (Buffer.from(chunk as string).includes(CTRL_C)) process.kill(process.pid, "SIGINT");
  };
  input.setRawMode(true);
  input.on("data", swallow).resume().unref();
  return () => {
    input.off("data", swallow).pause().ref();
    input.setRawMode(false);
  };
}
