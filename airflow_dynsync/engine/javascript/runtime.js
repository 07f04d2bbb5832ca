// What the scripts of a mapping run in. It evaluates to a function that takes what values.js returns, and returns one
// that takes a request and returns an answer, both JSON texts. Nothing is kept of one request for the next but the
// compiled scripts:
//
//   {functions: {generateEmail: ["generate_email", false], ...}}    the catalogue: [transformer, reads its input]
//   {compile: code, parameters: ["value", "input"]}                 answers with the number of the script
//   {run: number, count, values?, items?, rows?, answers?, now}     answers with {results, pending} or a failure
//   {..., ticking: {ticks?: number}}                                the script has a third parameter, see tick
//   {..., bare: true}                                               the first value alone; what it throws is thrown
//
// Values, items, results and what goes to and from the catalogue are in DynamoDB's wire form, {"N": "32"}.
//
// A catalogue function cannot be answered from here. The first one that has no answer yet ends the run of its
// value: it is reported as pending, and the value runs again when the next request brings the answer. As chance
// and the clock are fixed too, a run takes the same way every time. A result of null means: remove the attribute.
(values) => {
  "use strict";
  const { Decimal, DROP, Refused, decode, decodeMap, encode, refusalOf } = values;
  const OriginalDate = Date;
  const OriginalFunction = Function;
  const PROLOGUE_LINES = 3; // "(function anonymous(value", ") {" and "use strict" stand above the user's code
  const SCRIPT = "script.js";
  const TOO_FAR = "too far";
  const LOOP_MILLISECONDS = 500; // that one value's loops may go on while the endless one is searched

  // ---- Where in the script an error was made

  const places = new WeakMap();

  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, frames) => {
    for (const frame of frames) {
      if (frame.getScriptNameOrSourceURL() === SCRIPT) {
        places.set(error, [frame.getLineNumber() - PROLOGUE_LINES, frame.getColumnNumber()]);
        break;
      }
    }
    return frames.map((frame) => `    at ${frame}`).join("\n");
  };

  function placeOf(error) {
    try {
      void error.stack; // calls prepareStackTrace
      return places.get(error) ?? null;
    } catch {
      return null;
    }
  }

  function classOf(error) {
    try {
      return error instanceof Error ? String(error.constructor.name) : typeof error;
    } catch {
      return typeof error;
    }
  }

  // ---- One value's run: the answers it has, and what it asks for

  const WAIT = Object.freeze({ __proto__: null });
  let running = false;
  let answers = [];
  let used = 0;
  let asked = null; // [what, value, options, how many alike came before]
  let alike = new Map();
  let chance = null;
  let clock = 0;
  let ticking = {};
  let ticks = 0;
  let loopsEnd = null;

  function ask(what, value, options, ordinal) {
    if (!running) throw new Refused("neosync's functions answer while the script runs, not afterwards");
    if (asked !== null) throw WAIT; // the script caught what ended its run; it does not get any further
    if (used < answers.length) return answers[used++];
    asked = [what, value, options, ordinal];
    throw WAIT;
  }

  function callCatalogue(name, transformer, readsInput, value, options) {
    const written = options === undefined || options === null ? null : encode(options, undefined, 0);
    let ordinal = 0;
    if (!readsInput) {
      const key = transformer + JSON.stringify(written);
      ordinal = alike.get(key) ?? 0;
      alike.set(key, ordinal + 1);
    }
    const answer = ask(name, readsInput ? encode(value, undefined, 0) : null, written, ordinal);
    if (answer === null) return DROP;
    if (answer.refused !== undefined) throw new Refused(answer.refused);
    return decode(answer);
  }

  // sfc32 of PractRand, by Chris Doty-Humphrey, seeded with 128 keyed bits
  function random() {
    chance ??= ask("Math.random", null, null, 0).seed.slice();
    return (draw(chance) * 0x200000 + (draw(chance) >>> 11)) / 2 ** 53;
  }

  function draw(state) {
    const drawn = (state[0] + state[1] + state[3]) | 0;
    state[3] = (state[3] + 1) | 0;
    state[0] = state[1] ^ (state[1] >>> 9);
    state[1] = (state[2] + (state[2] << 3)) | 0;
    state[2] = ((state[2] << 21) | (state[2] >>> 11)) + drawn | 0;
    return drawn >>> 0;
  }

  const scripts = [];

  function begin(request, index) {
    clock = request.now;
    answers = request.answers?.[index] ?? [];
    used = 0;
    asked = null;
    alike = new Map();
    chance = null;
    ticking = request.ticking;
    ticks = 0;
    loopsEnd = null;
    running = true;
  }

  // Stands in the loops of a script, and between its statements, while it is searched for what does not end.
  function tick() {
    ticks++;
    if (ticks > ticking.ticks) throw new Refused(TOO_FAR);
    if (ticking.ticks !== undefined || ticks % 1024 !== 0) return;
    const now = OriginalDate.now();
    loopsEnd ??= now + LOOP_MILLISECONDS;
    if (now > loopsEnd) throw new Refused(TOO_FAR);
  }

  function execute(request, index) {
    const script = scripts[request.run];
    const source = request.values?.[index];
    const value = source === undefined ? undefined : decode(source);
    const input = request.items === undefined ? undefined : decodeMap(request.items[request.rows[index]]);
    const result = request.ticking ? script(value, input, tick) : script(value, input);
    if (asked !== null) return null;
    if (result === DROP) return null;
    const unchanged = result === value && typeof result !== "object" && result !== undefined;
    return unchanged ? source : encode(result, source, 0);
  }

  function run(request) {
    const results = new Array(request.count);
    const pending = [];
    for (let index = 0; index < request.count; index++) {
      begin(request, index);
      try {
        results[index] = execute(request, index);
      } catch (error) {
        if (asked === null) {
          running = false;
          return { failed: index, error: classOf(error), message: refusalOf(error), place: placeOf(error) };
        }
      }
      if (asked !== null) {
        pending.push([index, ...asked]);
        results[index] = null;
      }
    }
    running = false;
    return { results, pending };
  }

  // ---- The world that scripts see: nothing that differs from run to run, nothing that one can change for another

  function FixedDate(...parts) {
    if (new.target === undefined) return new OriginalDate(clock).toString();
    return Reflect.construct(OriginalDate, parts.length === 0 ? [clock] : parts, new.target);
  }

  function fixClock() {
    Object.defineProperties(FixedDate, {
      prototype: { value: OriginalDate.prototype },
      name: { value: "Date" },
      length: { value: 7 },
      now: { value: () => clock },
      parse: { value: OriginalDate.parse },
      UTC: { value: OriginalDate.UTC },
    });
    OriginalDate.prototype.constructor = FixedDate;
    globalThis.Date = FixedDate;
    delete Temporal.Now;
    const format = Intl.DateTimeFormat.prototype;
    const { get } = Object.getOwnPropertyDescriptor(format, "format");
    const { formatToParts } = format;
    Object.defineProperty(format, "format", {
      get() {
        const original = get.call(this);
        return (date = clock) => original(date);
      },
    });
    format.formatToParts = function (date = clock) {
      return formatToParts.call(this, date);
    };
  }

  function removeGlobals() {
    for (const name of ["Atomics", "SharedArrayBuffer", "WebAssembly", "WeakRef", "FinalizationRegistry"]) {
      delete globalThis[name];
    }
    for (const name of ["setTimeout", "clearTimeout", "__timer_manager"]) globalThis[name] = undefined;
    // RegExp.$1 and its like would show the last match of another value
    for (const name of Object.getOwnPropertyNames(RegExp)) {
      if (/^(\$.|input|last.*|left.*|right.*)$/.test(name)) delete RegExp[name];
    }
  }

  // Freezing a prototype's data property forbids assigning one of that name to any heir (error.name = "...");
  // as an accessor it gives way.
  function letHeirsOverride(prototype) {
    for (const name of Reflect.ownKeys(prototype)) {
      const property = Object.getOwnPropertyDescriptor(prototype, name);
      if (!property.configurable || property.get || property.set) continue;
      const { value, enumerable } = property;
      Object.defineProperty(prototype, name, {
        enumerable,
        get: () => value,
        set(own) {
          if (this === prototype) throw new TypeError("the runtime's own objects cannot be changed");
          Object.defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true });
        },
      });
    }
  }

  function freezeAll(...roots) {
    const seen = new Set();
    while (roots.length > 0) {
      const object = roots.pop();
      if ((typeof object !== "object" && typeof object !== "function") || object === null || seen.has(object)) continue;
      seen.add(object);
      roots.push(Object.getPrototypeOf(object));
      for (const key of Reflect.ownKeys(object)) {
        const { value, get, set } = Object.getOwnPropertyDescriptor(object, key);
        roots.push(value, get, set);
      }
      Object.freeze(object);
    }
  }

  function install(functions) {
    const neosync = {};
    for (const [name, [transformer, readsInput]] of Object.entries(functions)) {
      neosync[name] = readsInput
        ? (value, options) => callCatalogue(name, transformer, true, value, options)
        : (options) => callCatalogue(name, transformer, false, null, options);
    }
    Object.assign(globalThis, { neosync, Decimal });
    Math.random = random;
    fixClock();
    removeGlobals();
    for (const type of [Object, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]) {
      letHeirsOverride(type.prototype);
    }
    const unnamed = [
      function* () {},
      async function () {},
      async function* () {},
      [][Symbol.iterator](),
      ""[Symbol.iterator](),
      new Map()[Symbol.iterator](),
      new Set()[Symbol.iterator](),
      "".matchAll(/./g),
      Iterator.from({ next() {} }),
      [].values().map(() => 0),
      new Intl.Segmenter().segment(""),
      new Intl.Segmenter().segment("")[Symbol.iterator](),
    ];
    freezeAll(globalThis, Refused, ...unnamed);
  }

  function compile(code, parameters) {
    const script = new OriginalFunction(...parameters, `"use strict";\n${code}\n//# sourceURL=${SCRIPT}`);
    return scripts.push(parameters.length === 0 ? () => script() : script) - 1;
  }

  return (text) => {
    running = false;
    const request = JSON.parse(text);
    if (request.functions !== undefined) return String(install(request.functions));
    if (request.compile !== undefined) return String(compile(request.compile, request.parameters));
    if (!request.bare) return JSON.stringify(run(request));
    begin(request, 0);
    return String(execute(request, 0));
  };
}
