; Lets other computers of the same private network reach this one's nodes, and takes the rule away again.
!macro customInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Coterie"'
  nsExec::Exec 'netsh advfirewall firewall add rule name="Coterie" dir=in action=allow program="$INSTDIR\Coterie.exe" profile=private enable=yes'
!macroend

!macro customUnInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Coterie"'
!macroend
