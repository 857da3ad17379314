import type { ActionRegistry } from "../core/ports.ts";
import { addContact } from "./add-contact.ts";

/** Every action there is: one line each. */
const ACTIONS = [addContact];

const byName = new Map(ACTIONS.map((action) => [action.name, action]));

export const actions: ActionRegistry = { find: (name) => byName.get(name) };
