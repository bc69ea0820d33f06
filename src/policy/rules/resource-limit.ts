/** `ResourceLimit`: caps on what one resource may be. */
import { createOfferFinder } from '../offer.js';
import { joinMessages, type RuleKind } from './check.js';
import { numericChecks } from './limit-numbers.js';
import { wordChecks } from './limit-words.js';

export const resourceLimit: RuleKind<'ResourceLimit'> = {
  points: ['deploy', 'scan'],
  scanSeverity: 'high',
  denial: 'deny',
  compile: ({ constraint }) => {
    const finder = createOfferFinder(constraint);
    return {
      checks: [...numericChecks(constraint, finder), ...wordChecks(constraint, finder)],
      summarize: joinMessages,
      resizeTarget: (resource, question) => finder.target(resource, question.offers(resource.region)),
    };
  },
};
