; No rule for the firewall: everything listens on 127.0.0.1 alone, which the firewall does not filter, so a rule would only
; open the program's ports to others should it ever listen elsewhere. An earlier version made one, for all its ports: it goes.
!macro customInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Coterie"'
!macroend

!macro customUnInstall
  nsExec::Exec 'netsh advfirewall firewall delete rule name="Coterie"'
!macroend
