// A plugin in JavaScript: greets by name and remembers how often.
import { get, set } from "acme:greeter/greetings@1.0.0";

/** A thrown string is the call's `err`: it rolls back what the call wrote. */
export function greet(name) {
  const times = (get(name) ?? 0) + 1;
  set(name, times);
  if (name.trim() === "") throw "a greeting needs a name";
  return times === 1 ? `Hello, ${name}!` : `Hello again, ${name}, for the ${times}th time.`;
}
