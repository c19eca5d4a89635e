/**
 * Counts how often each block of core/ runs: a plugin for vite, for fuzzing. V8 can count blocks as well, but answers in half a
 * millisecond, which is fifty inputs of most readers; so each input could not be asked for alone.
 *
 * The counts stand in one array, which the program finds under `counterName` of globalThis.
 */
import { parseAst } from 'vite';

const counterName = 'coterieBlockCounts';
/** Those of all of core/ fit. */
const blocksMax = 1 << 15;
const measured = /[\\/]core[\\/].*\.ts$/;

/** Where text is put in, in the order in which nodes are met: of two at one place the outer one opens first and closes last. */
function insertionsIn(code, nextBlock) {
  const opening = [];
  const closing = [];
  const count = () => `coterieBlocks[${nextBlock()}]++`;
  const before = (at, text) => opening.push({ at, text });
  const wrap = (node, left, right) => {
    before(node.start, left);
    closing.unshift({ at: node.end, text: right });
  };
  const branch = (node) => wrap(node, `(${count()},`, ')');
  const statement = (node) => {
    if (node !== null && node.type !== 'BlockStatement') wrap(node, `{${count()};`, '}');
  };

  const visit = (node) => {
    switch (node.type) {
      case 'BlockStatement':
        before(node.start + 1, `${count()};`);
        // What comes after a check that did not end everything.
        for (const one of node.body) if (one.type === 'IfStatement') before(one.end, `${count()};`);
        break;
      case 'ArrowFunctionExpression':
        if (node.body.type !== 'BlockStatement') branch(node.body);
        break;
      case 'IfStatement':
        statement(node.consequent);
        if (node.alternate?.type !== 'IfStatement') statement(node.alternate);
        break;
      case 'ForStatement':
      case 'ForOfStatement':
      case 'ForInStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        statement(node.body);
        break;
      case 'SwitchCase':
        if (node.consequent.length > 0) before(node.consequent[0].start, `${count()};`);
        break;
      case 'ConditionalExpression':
        branch(node.consequent);
        branch(node.alternate);
        break;
      case 'LogicalExpression':
        branch(node.right);
        break;
    }
    for (const key of Object.keys(node)) {
      const child = node[key];
      if (Array.isArray(child)) for (const one of child) if (typeof one?.type === 'string') visit(one);
      if (typeof child?.type === 'string') visit(child);
    }
  };
  visit(parseAst(code));
  return [...closing, ...opening].map((one, order) => ({ ...one, order }));
}

export function blockCounts() {
  let blocks = 0;
  const nextBlock = () => {
    blocks = (blocks + 1) % blocksMax;
    return blocks;
  };
  return {
    name: 'coterie-block-counts',
    enforce: 'post',
    transform(code, id) {
      if (!measured.test(id)) return null;
      const insertions = insertionsIn(code, nextBlock).sort(
        (one, other) => one.at - other.at || one.order - other.order,
      );
      let text = `const coterieBlocks = (globalThis.${counterName} ??= new Uint8Array(${blocksMax}));`;
      let at = 0;
      for (const insertion of insertions) {
        text += code.slice(at, insertion.at) + insertion.text;
        at = insertion.at;
      }
      return { code: text + code.slice(at), map: null };
    },
  };
}
