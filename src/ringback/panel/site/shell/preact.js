/** What all modules draw with: Preact, its hooks, signals, and htm bound to them. */

import htm from "../vendor/htm.module.js";
import { h } from "../vendor/preact.module.js";

export { Component, Fragment, createContext, render } from "../vendor/preact.module.js";
export {
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useRef, useState,
} from "../vendor/preact-hooks.module.js";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "../vendor/signals.module.js";
export { h };
export const html = htm.bind(h);
