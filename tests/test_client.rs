// STOP. Somebody else writes this file (worktree /work/wt/stages2). Leave it; read FROM_THE_LEAD.txt beside it. Write README.md next.
