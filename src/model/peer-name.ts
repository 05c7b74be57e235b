import type { PeerId } from './ids.ts'

/** Trees, shrubs and birds: short, lower case, easy to say on the telephone, none a prefix of a command. 128 of them: seven bits of an id. */
const WORDS = (
  'acacia alder almond apple ash aspen avocet balsa banyan baobab beech birch bittern bluetit box brant briar bunting buzzard ' +
  'cardinal cedar cherry chough clove cocoa condor coot cormorant crake crane crow cuckoo curlew cypress dipper dogwood dotterel dove ' +
  'dunlin dunnock eagle ebony egret eider elder elm falcon fig finch fir flicker fulmar gannet godwit goldcrest grebe grouse gull harrier ' +
  'hawk hawthorn hazel heron hickory hobby holly hoopoe ibis ivy jackdaw jay juniper kauri kestrel kinglet kite knot lapwing larch lark ' +
  'laurel lemon lilac linden linnet magpie mallard mango maple martin medlar merlin mulberry myrtle nutmeg oak olive oriole osprey ouzel ' +
  'owl palm pear pecan pelican petrel pine pipit plover plum poplar puffin quince raven redwing robin rook rowan ruff siskin snipe ' +
  'sparrow spruce starling stork swan teal tern'
).split(' ')

/** Letters that are not taken for another. */
const SUFFIX_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

/**
 * A friendly name for a peer that was given none, always the same for the same id: a word such as `birch`, and, where `taken` has that word
 * already, the word with two more characters, such as `birch-k7`.
 *
 * A name is for people; programs use the id. One of 128 words falls to each peer, so of 5 peers two share a word in 8 % of clusters, of 10
 * in 30 %, of 20 in 79 %. With its suffix (961 of them) a name is one of 123,008: of 100 peers any two share one in 4 % of clusters.
 */
export function peerName(id: PeerId, taken: ReadonlySet<string> = new Set()): string {
  const hash = hashOf(id)
  const word = WORDS[hash % WORDS.length] ?? 'peer'
  if (!taken.has(word)) return word
  const rest = Math.floor(hash / WORDS.length)
  const first = SUFFIX_ALPHABET[rest % SUFFIX_ALPHABET.length] ?? ''
  const second = SUFFIX_ALPHABET[Math.floor(rest / SUFFIX_ALPHABET.length) % SUFFIX_ALPHABET.length] ?? ''
  return `${word}-${first}${second}`
}

/** FNV-1a (Fowler, Noll, Vo), then the finaliser of MurmurHash3 (Appleby): without it the low bits depend on too little of the id. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
