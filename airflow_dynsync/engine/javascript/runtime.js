// What the scripts of a mapping run in. It evaluates to one function that takes a request and returns an
// answer, both JSON texts, and keeps nothing of one request for the next but the compiled scripts:
//
//   {functions: {generateEmail: ["generate_email", false], ...}}    the catalogue: [transformer, reads its input]
//   {compile: code, parameters: ["value", "input"]}                 answers with the number of the script
//   {run: number, count, values?, items?, rows?, answers?, now}     answers with {results, pending} or a failure
//   {..., bare: true}                                               the first value alone, and what it throws is thrown
//
// Values, items, results and what goes to and from the catalogue are in DynamoDB's wire form, {"N": "32"}.
//
// A catalogue function cannot be answered from here. The first one that has no answer yet ends the run of its
// value: it is reported as pending, and the value runs again when the next request brings the answer. As chance
// and the clock are fixed too, a run takes the same way every time. A result of null means: remove the attribute.
"use strict";
(() => {
  const OriginalDate = Date;
  const OriginalFunction = Function;
  const MAX_DEPTH = 32; // DynamoDB nests no deeper
  const MAX_DIGITS = 38;
  const MAX_EXPONENT = 125;
  const MIN_EXPONENT = -130;
  const PROLOGUE_LINES = 3; // "(function anonymous(value", ") {" and "use strict" stand above the user's code
  const SCRIPT = "script.js";

  // ---- Errors: their place in the script, and a message only where it is ours and so holds no value

  const refusals = new WeakMap();
  const places = new WeakMap();

  class Refused extends Error {
    constructor(message) {
      super(message);
      refusals.set(this, message);
    }
  }
  Refused.prototype.constructor = Error; // scripts cannot make one of their own

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

  // ---- Numbers: exact both ways

  class Decimal {
    #text;
    constructor(text) {
      this.#text = plain(digitsOf(String(text)));
      Object.freeze(this);
    }
    static isDecimal(object) {
      return #text in object;
    }
    toString() {
      return this.#text;
    }
    toJSON() {
      return this.#text;
    }
    valueOf() {
      return Number(this.#text);
    }
    [Symbol.toPrimitive](hint) {
      return hint === "string" ? this.#text : Number(this.#text);
    }
  }

  function digitsOf(text) {
    const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
    if (match === null || match[2] + match[3] === "") throw new Refused("a decimal was expected, such as 12.50");
    const [, sign, whole, fraction, exponent = "0"] = match;
    const digits = (whole + fraction).replace(/^0+/, "");
    const significant = digits.replace(/0+$/, "");
    return {
      negative: sign === "-" && significant !== "",
      digits: significant,
      exponent: Number(exponent) - fraction.length + digits.length - significant.length,
    };
  }

  function plain({ negative, digits, exponent }) {
    if (digits === "") return "0";
    if (digits.length > MAX_DIGITS) {
      throw new Refused(`a number has ${digits.length} significant digits, DynamoDB keeps ${MAX_DIGITS}`);
    }
    const adjusted = digits.length + exponent - 1;
    if (adjusted < MIN_EXPONENT || adjusted > MAX_EXPONENT) {
      throw new Refused("a number is out of DynamoDB's range, 1E-130 to 9.99E+125");
    }
    const sign = negative ? "-" : "";
    if (exponent >= 0) return sign + digits + "0".repeat(exponent);
    const whole = digits.length + exponent;
    if (whole > 0) return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
    return `${sign}0.${"0".repeat(-whole)}${digits}`;
  }

  function decodeNumber(text) {
    const near = Number(text);
    if (text.length <= 15 || String(near) === text) return near; // a double keeps any 15 digits
    const exact = digitsOf(text);
    const approximate = digitsOf(String(near));
    if (exact.digits === approximate.digits && exact.exponent === approximate.exponent) return near;
    return exact.exponent >= 0 ? BigInt(plain(exact)) : new Decimal(text);
  }

  function encodeNumber(number) {
    if (Number.isSafeInteger(number)) return String(number);
    if (!Number.isFinite(number)) throw new Refused(`${number} is not a number that DynamoDB has`);
    return plain(digitsOf(String(number)));
  }

  // ---- Wire form to JavaScript

  const setsByArray = new WeakMap(); // which arrays were sets, and of which type

  function decode(wire) {
    if (wire.S !== undefined) return wire.S;
    if (wire.N !== undefined) return decodeNumber(wire.N);
    if (wire.BOOL !== undefined) return wire.BOOL;
    if (wire.M !== undefined) return decodeMap(wire.M);
    if (wire.L !== undefined) return wire.L.map(decode);
    if (wire.NULL !== undefined) return null;
    if (wire.B !== undefined) return Uint8Array.fromBase64(wire.B);
    if (wire.SS !== undefined) return decodeSet("SS", wire.SS.slice());
    if (wire.NS !== undefined) return decodeSet("NS", wire.NS.map(decodeNumber));
    return decodeSet("BS", wire.BS.map((text) => Uint8Array.fromBase64(text)));
  }

  function decodeMap(members) {
    const object = {};
    for (const name in members) put(object, name, decode(members[name]));
    return object;
  }

  function decodeSet(kind, array) {
    setsByArray.set(array, kind);
    return array;
  }

  function put(object, name, member) {
    if (name in Object.prototype) {
      Object.defineProperty(object, name, { value: member, writable: true, enumerable: true, configurable: true });
    } else {
      object[name] = member;
    }
  }

  // ---- JavaScript to wire form

  const DROP = Object.freeze({ __proto__: null });
  const NULL = Object.freeze({ NULL: true });
  const ELEMENT = { SS: "S", NS: "N", BS: "B" };
  const IN_WORDS = { SS: "a string set", NS: "a number set", BS: "a binary set" };

  // `source` is the wire value that stood in the same place: an array where a set was is that set again.
  function encode(result, source, depth) {
    switch (typeof result) {
      case "string":
        if (!result.isWellFormed()) throw new Refused("a string has half of a surrogate pair, which has no UTF-8");
        return { S: result };
      case "number":
        return { N: encodeNumber(result) };
      case "boolean":
        return { BOOL: result };
      case "undefined":
        return NULL;
      case "bigint":
        return { N: plain(digitsOf(String(result))) };
      case "object":
        return result === null ? NULL : encodeObject(result, source, depth);
    }
    throw new Refused(`a ${typeof result} cannot be stored; return a string, number, boolean, array, object or null`);
  }

  function encodeObject(object, source, depth) {
    if (depth > MAX_DEPTH) throw new Refused(`DynamoDB nests ${MAX_DEPTH} levels deep, and there are more`);
    if (Array.isArray(object)) return encodeArray(object, source, depth);
    if (Decimal.isDecimal(object)) return { N: object.toString() };
    if (ArrayBuffer.isView(object)) {
      return { B: new Uint8Array(object.buffer, object.byteOffset, object.byteLength).toBase64() };
    }
    const prototype = Object.getPrototypeOf(object);
    if (prototype === Object.prototype || prototype === null) return encodeMap(object, source, depth);
    if (object instanceof ArrayBuffer) return { B: new Uint8Array(object).toBase64() };
    if (object instanceof Set) return encodeSet([...object], setKind(object, source));
    if (object instanceof Map) return encodeMap(Object.fromEntries(object), source, depth);
    if (object instanceof OriginalDate) {
      if (Number.isNaN(object.getTime())) throw new Refused("an invalid Date cannot be stored");
      return { S: object.toISOString() };
    }
    if (object instanceof Promise) throw new Refused("a Promise cannot be stored; scripts are synchronous, without async");
    throw new Refused("an object of a class cannot be stored; return a plain object, or a string made of it");
  }

  function encodeArray(array, source, depth) {
    const kind = setsByArray.get(array) ?? setKindOf(source);
    if (kind !== undefined) return encodeSet(array, kind);
    const sources = source?.L?.length === array.length ? source.L : undefined;
    const list = [];
    for (let index = 0; index < array.length; index++) list.push(encode(array[index], sources?.[index], depth + 1));
    return { L: list };
  }

  function setKindOf(source) {
    if (source === undefined) return undefined;
    return source.SS !== undefined ? "SS" : source.NS !== undefined ? "NS" : source.BS !== undefined ? "BS" : undefined;
  }

  function setKind(set, source) {
    const known = setKindOf(source);
    if (known !== undefined) return known;
    if (set.size === 0) throw new Refused("an empty Set has no type; return null");
    const [first] = Object.keys(encode(set.values().next().value, undefined, MAX_DEPTH));
    return `${first}S`;
  }

  function encodeSet(elements, kind) {
    const wanted = ELEMENT[kind];
    if (wanted === undefined) throw new Refused("a set holds strings, numbers or binaries, and nothing else");
    const texts = new Set();
    for (const element of elements) {
      const text = encode(element, undefined, MAX_DEPTH)[wanted];
      if (text === undefined) throw new Refused(`${IN_WORDS[kind]} stays one, so its elements keep their type`);
      texts.add(text);
    }
    return { [kind]: [...texts] };
  }

  function encodeMap(object, source, depth) {
    const members = {};
    for (const name of Object.keys(object)) {
      const member = object[name];
      if (member === undefined) continue; // as JSON.stringify does
      if (!name.isWellFormed()) throw new Refused("an attribute's name has half of a surrogate pair");
      const before = source?.M !== undefined && Object.hasOwn(source.M, name) ? source.M[name] : undefined;
      put(members, name, encode(member, before, depth + 1));
    }
    return { M: members };
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
    running = true;
  }

  function execute(request, index) {
    const source = request.values?.[index];
    const value = source === undefined ? undefined : decode(source);
    const input = request.items === undefined ? undefined : decodeMap(request.items[request.rows[index]]);
    const result = scripts[request.run](value, input);
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
          return { failed: index, error: classOf(error), message: refusals.get(error) ?? null, place: placeOf(error) };
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
})();
