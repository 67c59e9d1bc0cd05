// The words of a sentence that say what it is about.

const TERM_CHARACTERS_MIN = 3;
const TERM_CHARACTERS_MAX = 40;

const STOPWORDS = new Set(
  `a about above after again against all also although always am an and any are aren't as at be
  because been before being below between both but by can can't cannot could couldn't did didn't do
  does doesn't doing don't down during each either else etc even ever every few for from further get
  gets had has hasn't have haven't having he hence her here hers him his how however i if in into is
  isn't it it's its itself just let like made make makes many may me might more most much must my
  neither never no nor not now of off often on once one only onto or other our ours out over own per
  quite rather same see shall she should since so some still such than that that's the their theirs
  them then there these they this those though through thus to too two under until up upon us use
  used uses using very via was wasn't we were what when where whether which while who whom whose why
  will with within without won't would yet you your yours
  aber alle als am an auch auf aus bei bis da das dass dem den der des die dies diese dieser doch
  du durch ein eine einem einen einer eines er es für hat hier ich ihr im in ist ja kann mit nach
  nicht noch nur ob oder sein sich sie sind so über um und uns vom von vor war was wenn werden wie
  wir wird wo zu zum zur`.split(/\s+/),
);

/** The sentence's terms in order, in small letters; repeated ones are repeated. */
export function termsOf(sentence) {
  const words = sentence.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’_-]*/gu) ?? [];
  const short = words.filter((word) => word.length <= TERM_CHARACTERS_MAX);
  return short.map((word) => word.replace(/['’_-]+$|['’]s$/u, "")).filter(says);
}

const says = (word) =>
  word.length >= TERM_CHARACTERS_MIN && !STOPWORDS.has(word) && !/^[\p{N}_-]+$/u.test(word);
