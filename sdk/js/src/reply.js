// What an agent answers: its output, and the exits that it takes beside the node's edges.

/** An output with exits. An agent that takes none returns its output alone. */
export class Reply {
  constructor(output) {
    this.output = output;
    this.exits = [];
  }

  /** Also takes the exit. */
  goto(name) {
    this.exits.push({ tag: "name", val: name });
    return this;
  }

  /** Also takes the exit and hands an input to the task that it starts. */
  send(name, input) {
    this.exits.push({ tag: "send", val: { name, input: JSON.stringify(input) } });
    return this;
  }
}

/** The contract's reply for what an agent returned. */
export function toWire(returned) {
  const reply = returned instanceof Reply ? returned : new Reply(returned);
  return { output: JSON.stringify(reply.output ?? null), goto: reply.exits, extra: "{}" };
}
